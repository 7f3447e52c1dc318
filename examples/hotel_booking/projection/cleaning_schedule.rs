use eventmodel::projection;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::model::cleanup::{RoomCleanedUp, RoomCleaningScheduled};
use crate::model::{Room, Team};

/// A day in the manager's calendar: the rooms to clean, by whom, and which are done.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CleaningSchedule {
    /// The rooms, in the order of their numbers.
    pub rooms: Vec<PlannedCleaning>,
}

/// A room of the day.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct PlannedCleaning {
    /// The room.
    pub room: Room,
    /// The team that cleans it, or has cleaned it.
    pub team: Team,
    /// Whether it is done.
    pub done: bool,
}

#[projection(key(date: Date))]
impl CleaningSchedule {
    fn scheduled(&mut self, event: &RoomCleaningScheduled) {
        self.set(PlannedCleaning {
            room: event.room,
            team: event.team,
            done: false,
        });
    }

    /// A room may be cleaned before the bot has it on the list.
    fn cleaned_up(&mut self, event: &RoomCleanedUp) {
        self.set(PlannedCleaning {
            room: event.room,
            team: event.team,
            done: true,
        });
    }
}

impl CleaningSchedule {
    fn set(&mut self, cleaning: PlannedCleaning) {
        match self
            .rooms
            .binary_search_by_key(&cleaning.room, |planned| planned.room)
        {
            Ok(at) => self.rooms[at] = cleaning,
            Err(at) => self.rooms.insert(at, cleaning),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventmodel::testing::view_spec;
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2022, 12, 12);

    fn scheduled(room: u32, date: Date) -> RoomCleaningScheduled {
        RoomCleaningScheduled {
            room: Room { id: room },
            date,
            team: Team { id: 2 },
        }
    }

    fn cleaned_up(room: u32, team: u32) -> RoomCleanedUp {
        RoomCleanedUp {
            room: Room { id: room },
            date: TODAY,
            team: Team { id: team },
        }
    }

    fn schedule<const N: usize>(rooms: [(u32, u32, bool); N]) -> CleaningSchedule {
        let planned = |(room, team, done)| PlannedCleaning {
            room: Room { id: room },
            team: Team { id: team },
            done,
        };
        CleaningSchedule {
            rooms: rooms.into_iter().map(planned).collect(),
        }
    }

    #[test]
    fn a_day_has_the_rooms_that_are_to_be_cleaned() {
        view_spec::<CleaningSchedule>()
            .given([
                scheduled(7, TODAY),
                scheduled(1, TODAY),
                scheduled(3, date(2022, 12, 13)),
            ])
            .then(TODAY, schedule([(1, 2, false), (7, 2, false)]))
            .then(date(2022, 12, 13), schedule([(3, 2, false)]))
            .then_nothing(date(2022, 12, 14));
    }

    #[test]
    fn a_room_that_is_clean_is_done_by_the_team_that_did_it() {
        view_spec::<CleaningSchedule>()
            .given((scheduled(1, TODAY), scheduled(7, TODAY), cleaned_up(7, 3)))
            .then(TODAY, schedule([(1, 2, false), (7, 3, true)]));
    }

    #[test]
    fn a_room_that_was_cleaned_before_it_was_on_a_list_is_there_too() {
        view_spec::<CleaningSchedule>()
            .given(cleaned_up(1, 2))
            .then(TODAY, schedule([(1, 2, true)]));
    }
}
