use eventmodel::{Command, Decide, Decision, Rejection, Unguarded, Violations, emit, reject};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::booking::{RoomBooked, Status};
use crate::model::{Client, Room, night};
use crate::projection::{HotelRoom, RoomDay};

/// Books a room for a night.
///
/// Of any number of guests who book the same room for the same night, at the same moment or years apart, one gets
/// it: the first event of a night is written only if there is none.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[command(
    state = (RoomDay, Unguarded<HotelRoom>), emits(RoomBooked), rejects = BookingRejection, validate = Self::check
)]
pub struct BookRoom {
    /// The room.
    pub room: Room,
    /// The guest.
    pub client: Client,
    /// The night.
    pub date: Date,
}

/// Why a room is not booked.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum BookingRejection {
    /// The hotel has no such room.
    #[error("there is no {room}")]
    NoSuchRoom {
        /// The room.
        room: Room,
    },
    /// Somebody has it.
    #[error("{room} is booked already for the night of {date}")]
    AlreadyBooked {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
}

impl BookRoom {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        self.client.check(&mut violations);
        night::check(night::is_in_the_books(self.date), &mut violations);
        violations.into_result()
    }
}

impl Decide for BookRoom {
    fn decide(&self, (day, room): &(RoomDay, Unguarded<HotelRoom>)) -> Decision<Self> {
        let &Self {
            room: number,
            client,
            date,
        } = self;
        if !room.exists {
            return reject(BookingRejection::NoSuchRoom { room: number });
        }
        match day.status {
            Status::Free => emit(RoomBooked {
                room: number,
                client,
                date,
            }),
            _ => reject(BookingRejection::AlreadyBooked { room: number, date }),
        }
    }
}
