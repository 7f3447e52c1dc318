use eventmodel::{Command, Decide, Decision, Rejection, Violations, emit, reject};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::booking::{RoomAvailable, Status};
use crate::model::cleanup::RoomCleanedUp;
use crate::model::{Room, Team, night};
use crate::projection::{CleaningTask, RoomDay};

/// Says that a room is clean.
///
/// Its two events are in two streams, and are stored together or not at all: there is no clean room that the desk
/// does not know of. A team may clean before the bot has the room on its list.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[command(
    name = "cleanup",
    state = (RoomDay, CleaningTask),
    emits(RoomAvailable, RoomCleanedUp),
    rejects = CleaningRejection,
    validate = Self::check
)]
pub struct CleanRoom {
    /// The room.
    pub room: Room,
    /// The night that it is cleaned for.
    pub date: Date,
    /// The team that did it. The one that has the room on its list, if it is not given; without a list, the one on
    /// duty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// Why a room is not cleaned.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum CleaningRejection {
    /// Nobody has booked it for the night.
    #[error("{room} is not booked for the night of {date}")]
    NotBooked {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// It is clean.
    #[error("{room} was cleaned already for the night of {date}")]
    AlreadyCleaned {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
}

impl CleanRoom {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        night::check(night::is_in_the_books(self.date), &mut violations);
        violations.into_result()
    }
}

impl Decide for CleanRoom {
    fn decide(&self, (day, task): &(RoomDay, CleaningTask)) -> Decision<Self> {
        let &Self { room, date, team } = self;
        match day.status {
            Status::Free => reject(CleaningRejection::NotBooked { room, date }),
            Status::Available | Status::Occupied => {
                reject(CleaningRejection::AlreadyCleaned { room, date })
            }
            Status::Booked => {
                let team = team.or(task.team).unwrap_or_else(|| Team::on_duty(date));
                emit((
                    RoomAvailable { room, date },
                    RoomCleanedUp { room, date, team },
                ))
            }
        }
    }
}
