use std::fmt;

use eventmodel::Violations;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cleaning team.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Team {
    /// The number of the team, from 1 to [`Team::COUNT`].
    pub id: u32,
}

impl Team {
    /// How many teams take turns.
    pub const COUNT: u32 = 3;

    /// The team that is on duty on this day. It follows from the date alone, so that whoever asks, and asks again,
    /// gets the same team.
    pub fn on_duty(date: Date) -> Self {
        let day = u32::from(date.day_of_year().unsigned_abs());
        Self {
            id: 1 + day % Self::COUNT,
        }
    }

    pub(crate) fn check(self, violations: &mut Violations) {
        let valid = (1..=Self::COUNT).contains(&self.id);
        let message = format!("teams are numbered from 1 to {}", Self::COUNT);
        violations.check(valid, "team.id", message);
    }
}

impl fmt::Display for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "team {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_teams_take_turns() {
        let day = |day| Team::on_duty(jiff::civil::date(2022, 12, day)).id;
        assert_eq!([day(12), day(13), day(14), day(15)], [2, 3, 1, 2]);
    }
}
