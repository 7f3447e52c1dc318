use eventmodel::Event;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Booking;
use crate::model::{Client, Room};

/// The guest is in the room.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Booking)]
pub struct GuestCheckedIn {
    /// The room.
    pub room: Room,
    /// The guest.
    pub client: Client,
    /// The night that was booked. A guest who comes after midnight comes on the day after.
    pub date: Date,
}
