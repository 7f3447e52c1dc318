use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::Team;
use crate::model::cleanup::{Cleanup, RoomCleanedUp, RoomCleaningScheduled};

/// The cleaning of a room for a night, as the commands see it.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CleaningTask {
    /// The team that has it on its list, or has done it.
    pub team: Option<Team>,
}

#[projection(key = Cleanup)]
impl CleaningTask {
    fn scheduled(&mut self, event: &RoomCleaningScheduled) {
        self.team = Some(event.team);
    }

    fn cleaned_up(&mut self, event: &RoomCleanedUp) {
        self.team = Some(event.team);
    }
}
