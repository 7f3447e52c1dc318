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

#[cfg(test)]
mod tests {
    use eventmodel::testing::view_spec;
    use jiff::civil::date;

    use super::*;
    use crate::model::Room;

    #[test]
    fn it_shows_how_far_a_room_is_on_a_night() {
        let (room, client, date) = (Room { id: 1 }, Client { id: 1 }, date(2022, 12, 12));
        let key = || Booking { room, date };
        let shows = |status| Availability {
            status,
            client: Some(client),
        };
        view_spec::<Availability>()
            .given(RoomBooked { room, client, date })
            .then(key(), shows(Status::Booked))
            .given(RoomAvailable { room, date })
            .then(key(), shows(Status::Available))
            .given(GuestCheckedIn { room, client, date })
            .then(key(), shows(Status::Occupied));
    }

    #[test]
    fn a_booking_is_for_one_room_and_one_night() {
        let (room, client, night) = (Room { id: 1 }, Client { id: 1 }, date(2022, 12, 12));
        view_spec::<Availability>()
            .given(RoomBooked {
                room,
                client,
                date: night,
            })
            .then_nothing(Booking {
                room,
                date: date(2022, 12, 13),
            })
            .then_nothing(Booking {
                room: Room { id: 2 },
                date: night,
            });
    }
}
