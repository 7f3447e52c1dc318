use eventmodel::Stream;
use jiff::civil::Date;

use crate::model::Room;

/// The cleaning of a room for a night.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(log = "hotel", subject = "cleanup.{room}.{date}")]
pub struct Cleanup {
    /// The room.
    pub room: Room,
    /// The night that it is cleaned for.
    pub date: Date,
}
