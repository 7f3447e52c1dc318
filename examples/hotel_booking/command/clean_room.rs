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
#[serde(untagged)]
pub enum CleaningRejection {
    /// Nobody has booked the room for the night.
    #[error("{room} is not booked for the night of {date}")]
    NotBooked {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// The room was cleaned already.
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
        if let Some(team) = self.team {
            team.check(&mut violations);
        }
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

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;
    use crate::model::Client;
    use crate::model::booking::{GuestCheckedIn, RoomBooked};
    use crate::model::cleanup::RoomCleaningScheduled;

    const ROOM: Room = Room { id: 1 };
    const CLIENT: Client = Client { id: 1 };
    const NIGHT: Date = jiff::civil::date(2022, 12, 12);

    fn clean(team: Option<Team>) -> CleanRoom {
        CleanRoom {
            room: ROOM,
            date: NIGHT,
            team,
        }
    }

    fn booked() -> RoomBooked {
        RoomBooked {
            room: ROOM,
            client: CLIENT,
            date: NIGHT,
        }
    }

    fn available() -> RoomAvailable {
        RoomAvailable {
            room: ROOM,
            date: NIGHT,
        }
    }

    fn cleaned_up(team: Team) -> RoomCleanedUp {
        RoomCleanedUp {
            room: ROOM,
            date: NIGHT,
            team,
        }
    }

    #[test]
    fn a_booked_room_becomes_available_when_it_is_cleaned() {
        let team = Team { id: 3 };
        spec::<CleanRoom>()
            .given((
                booked(),
                RoomCleaningScheduled {
                    room: ROOM,
                    date: NIGHT,
                    team,
                },
            ))
            .when(clean(None))
            .emits((available(), cleaned_up(team)));
    }

    #[test]
    fn a_team_that_stands_in_is_recorded() {
        let (planned, team) = (Team { id: 3 }, Team { id: 1 });
        spec::<CleanRoom>()
            .given((
                booked(),
                RoomCleaningScheduled {
                    room: ROOM,
                    date: NIGHT,
                    team: planned,
                },
            ))
            .when(clean(Some(team)))
            .emits((available(), cleaned_up(team)));
    }

    #[test]
    fn a_room_that_is_on_no_list_yet_is_cleaned_by_the_team_on_duty() {
        spec::<CleanRoom>()
            .given(booked())
            .when(clean(None))
            .emits((available(), cleaned_up(Team::on_duty(NIGHT))));
    }

    #[test]
    fn only_a_booked_room_is_cleaned() {
        spec::<CleanRoom>()
            .when(clean(None))
            .rejects(CleaningRejection::NotBooked {
                room: ROOM,
                date: NIGHT,
            });
    }

    #[test]
    fn a_room_that_is_on_a_list_and_not_booked_is_not_cleaned() {
        let team = Team { id: 1 };
        spec::<CleanRoom>()
            .given(RoomCleaningScheduled {
                room: ROOM,
                date: NIGHT,
                team,
            })
            .when(clean(None))
            .rejects(CleaningRejection::NotBooked {
                room: ROOM,
                date: NIGHT,
            });
    }

    #[test]
    fn a_room_is_cleaned_once() {
        let checked_in = GuestCheckedIn {
            room: ROOM,
            client: CLIENT,
            date: NIGHT,
        };
        for checked_in in [None, Some(checked_in)] {
            spec::<CleanRoom>()
                .given((
                    booked(),
                    available(),
                    cleaned_up(Team { id: 1 }),
                    checked_in,
                ))
                .when(clean(None))
                .rejects(CleaningRejection::AlreadyCleaned {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        spec::<CleanRoom>()
            .when(CleanRoom {
                room: Room { id: 0 },
                date: Date::MIN,
                team: Some(Team { id: 0 }),
            })
            .invalid(["room.id", "date", "team.id"]);
    }
}
