use eventmodel::Stream;

use crate::model::Room;

/// What is known of a room, whoever sleeps in it.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(log = "hotel", subject = "admin.{room}")]
pub struct Admin {
    /// The room.
    pub room: Room,
}
