//! The house itself: which rooms there are.

mod room_created;
mod stream;

pub use room_created::RoomCreated;
pub use stream::Admin;
