use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::Client;
use crate::model::booking::{Booking, GuestCheckedIn, RoomAvailable, RoomBooked, Status};

/// A room on a night, as the commands see it.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct RoomDay {
    /// How far it is.
    pub status: Status,
    /// Who has booked it.
    pub client: Option<Client>,
}

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, event: &RoomBooked) {
        self.status = Status::Booked;
        self.client = Some(event.client);
    }

    fn cleaned(&mut self, _: &RoomAvailable) {
        self.status = Status::Available;
    }

    fn checked_in(&mut self, _: &GuestCheckedIn) {
        self.status = Status::Occupied;
    }
}
