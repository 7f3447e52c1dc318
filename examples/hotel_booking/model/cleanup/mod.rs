//! Who cleans where, and when.

mod room_cleaned_up;
mod room_cleaning_scheduled;
mod stream;

pub use room_cleaned_up::RoomCleanedUp;
pub use room_cleaning_scheduled::RoomCleaningScheduled;
pub use stream::Cleanup;
