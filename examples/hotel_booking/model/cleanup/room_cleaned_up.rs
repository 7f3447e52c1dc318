use eventmodel::Event;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cleanup;
use crate::model::{Room, Team};

/// The room is clean.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Cleanup)]
pub struct RoomCleanedUp {
    /// The room.
    pub room: Room,
    /// The night that it was cleaned for.
    pub date: Date,
    /// The team that did it.
    pub team: Team,
}
