use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::Client;
use crate::model::booking::{Booking, GuestCheckedIn, RoomAvailable, RoomBooked, Status};

/// What guest and desk look at: how far a room is on a night, and whose it is. A room that nobody has booked has no
/// entry: it is free.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Availability {
    /// How far it is.
    pub status: Status,
    /// Who has booked it.
    pub client: Option<Client>,
}

#[projection(key = Booking)]
impl Availability {
    fn booked(&mut self, event: &RoomBooked) {
        self.status = Status::Booked;
        self.client = Some(event.client);
    }

    fn available(&mut self, _: &RoomAvailable) {
        self.status = Status::Available;
    }

    fn occupied(&mut self, event: &GuestCheckedIn) {
        self.status = Status::Occupied;
        self.client = Some(event.client);
    }
}
