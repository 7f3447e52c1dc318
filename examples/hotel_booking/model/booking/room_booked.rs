use eventmodel::Event;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Booking;
use crate::model::{Client, Room};

/// A guest has a room for a night.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Booking)]
pub struct RoomBooked {
    /// The room.
    pub room: Room,
    /// The guest.
    pub client: Client,
    /// The night.
    pub date: Date,
}
