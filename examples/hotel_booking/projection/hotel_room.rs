use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::admin::{Admin, RoomCreated};

/// Whether there is such a room, for the commands that need one.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct HotelRoom {
    /// Whether it was created.
    pub exists: bool,
}

#[projection(key = Admin)]
impl HotelRoom {
    fn created(&mut self, _: &RoomCreated) {
        self.exists = true;
    }
}
