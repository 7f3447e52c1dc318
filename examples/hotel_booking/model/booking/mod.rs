//! Who sleeps where, and when.

mod guest_checked_in;
mod room_available;
mod room_booked;
mod status;
mod stream;

pub use guest_checked_in::GuestCheckedIn;
pub use room_available::RoomAvailable;
pub use room_booked::RoomBooked;
pub use status::Status;
pub use stream::Booking;
