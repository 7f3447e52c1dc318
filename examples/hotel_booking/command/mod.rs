//! The blue post-its, one file each: what is asked for, when it is refused, and what happens. Nothing here writes
//! anything: a command decides, and the engine stores what it decided.

mod book_room;
mod check_in;
mod clean_room;
mod create_room;
mod schedule_cleaning;

pub use book_room::{BookRoom, BookingRejection};
pub use check_in::{CheckIn, CheckInRejection};
pub use clean_room::{CleanRoom, CleaningRejection};
pub use create_room::{CreateRoom, CreateRoomRejection};
pub use schedule_cleaning::ScheduleCleaning;
