use eventmodel::{Command, Decide, Decision, Violations, emit};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::cleanup::RoomCleaningScheduled;
use crate::model::{Room, Team, night};
use crate::projection::CleaningTask;

/// Puts a room on the list of a team.
///
/// It changes nothing if the room is on a list, or is clean already. It does not ask whether the room is booked:
/// it is issued because it was, and a second look could be at a copy of the books that has not heard of it yet.
/// A room that is on a list and not booked is not cleaned: see [`CleanRoom`](super::CleanRoom).
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
#[command(state = CleaningTask, emits(RoomCleaningScheduled), validate = Self::check)]
pub struct ScheduleCleaning {
    /// The room.
    pub room: Room,
    /// The night that it is cleaned for.
    pub date: Date,
    /// The team.
    pub team: Team,
}

impl ScheduleCleaning {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        night::check(night::is_in_the_books(self.date), &mut violations);
        self.team.check(&mut violations);
        violations.into_result()
    }
}

impl Decide for ScheduleCleaning {
    fn decide(&self, task: &CleaningTask) -> Decision<Self> {
        let &Self { room, date, team } = self;
        let needed = task.team.is_none();
        emit(needed.then_some(RoomCleaningScheduled { room, date, team }))
    }
}

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;
    use crate::model::cleanup::RoomCleanedUp;

    const ROOM: Room = Room { id: 1 };
    const TEAM: Team = Team { id: 2 };
    const NIGHT: Date = jiff::civil::date(2022, 12, 12);

    fn schedule(team: Team) -> ScheduleCleaning {
        ScheduleCleaning {
            room: ROOM,
            date: NIGHT,
            team,
        }
    }

    fn scheduled() -> RoomCleaningScheduled {
        RoomCleaningScheduled {
            room: ROOM,
            date: NIGHT,
            team: TEAM,
        }
    }

    #[test]
    fn the_team_has_the_room_on_its_list() {
        spec::<ScheduleCleaning>()
            .when(schedule(TEAM))
            .emits(scheduled());
    }

    #[test]
    fn a_room_that_is_on_a_list_stays_there() {
        for team in [TEAM, Team { id: 3 }] {
            spec::<ScheduleCleaning>()
                .given(scheduled())
                .when(schedule(team))
                .changes_nothing();
        }
    }

    #[test]
    fn a_room_that_is_clean_is_not_put_on_a_list() {
        spec::<ScheduleCleaning>()
            .given(RoomCleanedUp {
                room: ROOM,
                date: NIGHT,
                team: TEAM,
            })
            .when(schedule(TEAM))
            .changes_nothing();
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        spec::<ScheduleCleaning>()
            .when(ScheduleCleaning {
                room: Room { id: 0 },
                date: Date::MAX,
                team: Team { id: 0 },
            })
            .invalid(["room.id", "date", "team.id"]);
    }
}
