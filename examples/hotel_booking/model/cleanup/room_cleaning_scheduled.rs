use eventmodel::Event;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cleanup;
use crate::model::{Room, Team};

/// A team has the room on its list for the day.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Cleanup)]
pub struct RoomCleaningScheduled {
    /// The room.
    pub room: Room,
    /// The night that it is cleaned for.
    pub date: Date,
    /// The team.
    pub team: Team,
}
