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
