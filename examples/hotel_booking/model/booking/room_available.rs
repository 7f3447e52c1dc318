use eventmodel::Event;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Booking;
use crate::model::Room;

/// A booked room is clean: its guest may come.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Booking)]
pub struct RoomAvailable {
    /// The room.
    pub room: Room,
    /// The night.
    pub date: Date,
}
