use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::model::Room;

/// The hotel has a room more.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Admin)]
pub struct RoomCreated {
    /// The room.
    pub room: Room,
}
