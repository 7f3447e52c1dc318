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
