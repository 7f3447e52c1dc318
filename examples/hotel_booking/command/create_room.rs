use eventmodel::{Command, Decide, Decision, Rejection, Violations, emit, reject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Room;
use crate::model::admin::RoomCreated;
use crate::projection::HotelRoom;

/// Adds a room to the hotel.
///
/// Its id follows from the room, so that the program can create its rooms at every start: the second time it gets
/// the first receipt.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[command(
    state = HotelRoom, emits(RoomCreated), rejects = CreateRoomRejection, id = "{room}", validate = Self::check
)]
pub struct CreateRoom {
    /// The room.
    pub room: Room,
}

/// Why a room is not created.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum CreateRoomRejection {
    /// There is such a room.
    #[error("{room} exists already")]
    RoomExists {
        /// The room.
        room: Room,
    },
}

impl CreateRoom {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        violations.into_result()
    }
}

impl Decide for CreateRoom {
    fn decide(&self, room: &HotelRoom) -> Decision<Self> {
        if room.exists {
            return reject(CreateRoomRejection::RoomExists { room: self.room });
        }
        emit(RoomCreated { room: self.room })
    }
}
