//! The green post-its: what commands decide on, and what people look at.

mod availability;
mod cleaning_schedule;
mod cleaning_task;
mod hotel_room;
mod room_day;

pub use availability::Availability;
pub use cleaning_schedule::{CleaningSchedule, PlannedCleaning};
pub use cleaning_task::CleaningTask;
pub use hotel_room::HotelRoom;
pub use room_day::RoomDay;
