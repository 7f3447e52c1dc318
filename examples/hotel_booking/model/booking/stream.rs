use eventmodel::Stream;
use jiff::civil::Date;

use crate::model::Room;

/// A room on a night.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(log = "hotel", subject = "booking.{room}.{date}")]
pub struct Booking {
    /// The room.
    pub room: Room,
    /// The night.
    pub date: Date,
}
