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
#[serde(untagged)]
pub enum CreateRoomRejection {
    /// The room exists already.
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

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;

    const ROOM: Room = Room { id: 1 };

    #[test]
    fn a_room_is_created() {
        spec::<CreateRoom>()
            .when(CreateRoom { room: ROOM })
            .emits(RoomCreated { room: ROOM });
    }

    #[test]
    fn a_room_is_created_once() {
        spec::<CreateRoom>()
            .given(RoomCreated { room: ROOM })
            .when(CreateRoom { room: ROOM })
            .rejects(CreateRoomRejection::RoomExists { room: ROOM });
    }

    #[test]
    fn there_is_no_room_zero() {
        spec::<CreateRoom>()
            .when(CreateRoom {
                room: Room { id: 0 },
            })
            .invalid(["room.id"]);
    }

    #[test]
    fn the_id_of_the_command_follows_from_the_room() {
        let id = |id| CreateRoom { room: Room { id } }.id();
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
    }
}
