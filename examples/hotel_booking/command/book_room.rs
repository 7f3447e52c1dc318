use eventmodel::{Command, Decide, Decision, Rejection, Unguarded, Violations, emit, reject};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::booking::{RoomBooked, Status};
use crate::model::{Client, Room, night};
use crate::projection::{HotelRoom, RoomDay};

/// Books a room for a night.
///
/// Of any number of guests who book the same room for the same night, at the same moment or years apart, one gets
/// it: the first event of a night is written only if there is none.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[command(
    state = (RoomDay, Unguarded<HotelRoom>), emits(RoomBooked), rejects = BookingRejection, validate = Self::check
)]
pub struct BookRoom {
    /// The room.
    pub room: Room,
    /// The guest.
    pub client: Client,
    /// The night.
    pub date: Date,
}

/// Why a room is not booked.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
#[serde(untagged)]
pub enum BookingRejection {
    /// The hotel has no such room.
    #[error("there is no {room}")]
    NoSuchRoom {
        /// The room.
        room: Room,
    },
    /// The room is booked already.
    #[error("{room} is booked already for the night of {date}")]
    AlreadyBooked {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
}

impl BookRoom {
    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        self.client.check(&mut violations);
        night::check(night::is_in_the_books(self.date), &mut violations);
        violations.into_result()
    }
}

impl Decide for BookRoom {
    fn decide(&self, (day, room): &(RoomDay, Unguarded<HotelRoom>)) -> Decision<Self> {
        let &Self {
            room: number,
            client,
            date,
        } = self;
        if !room.exists {
            return reject(BookingRejection::NoSuchRoom { room: number });
        }
        match day.status {
            Status::Free => emit(RoomBooked {
                room: number,
                client,
                date,
            }),
            _ => reject(BookingRejection::AlreadyBooked { room: number, date }),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;
    use crate::model::admin::RoomCreated;
    use crate::model::booking::{GuestCheckedIn, RoomAvailable};

    const ROOM: Room = Room { id: 1 };
    const FIRST: Client = Client { id: 1 };
    const SECOND: Client = Client { id: 2 };
    const NIGHT: Date = jiff::civil::date(2022, 12, 12);

    fn book(client: Client) -> BookRoom {
        BookRoom {
            room: ROOM,
            client,
            date: NIGHT,
        }
    }

    fn booked() -> RoomBooked {
        RoomBooked {
            room: ROOM,
            client: FIRST,
            date: NIGHT,
        }
    }

    #[test]
    fn a_free_room_is_booked() {
        spec::<BookRoom>()
            .given(RoomCreated { room: ROOM })
            .when(book(FIRST))
            .emits(booked());
    }

    #[test]
    fn the_room_must_exist() {
        spec::<BookRoom>()
            .when(book(FIRST))
            .rejects(BookingRejection::NoSuchRoom { room: ROOM });
    }

    #[test]
    fn a_room_is_booked_once() {
        for client in [FIRST, SECOND] {
            spec::<BookRoom>()
                .given((RoomCreated { room: ROOM }, booked()))
                .when(book(client))
                .rejects(BookingRejection::AlreadyBooked {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn a_room_that_is_clean_or_occupied_is_not_booked_again() {
        let cleaned = RoomAvailable {
            room: ROOM,
            date: NIGHT,
        };
        let checked_in = GuestCheckedIn {
            room: ROOM,
            client: FIRST,
            date: NIGHT,
        };
        for checked_in in [None, Some(checked_in)] {
            spec::<BookRoom>()
                .given((
                    RoomCreated { room: ROOM },
                    booked(),
                    cleaned.clone(),
                    checked_in,
                ))
                .when(book(SECOND))
                .rejects(BookingRejection::AlreadyBooked {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let (room, client) = (Room { id: 0 }, Client { id: 0 });
        spec::<BookRoom>()
            .when(BookRoom {
                room,
                client,
                date: Date::MIN,
            })
            .invalid(["room.id", "client.id", "date"]);
    }

    #[test]
    fn the_first_and_the_last_night_can_be_booked() {
        for date in [night::FIRST, night::LAST] {
            let command = BookRoom {
                room: ROOM,
                client: FIRST,
                date,
            };
            assert_eq!(command.validate(), Ok(()));
        }
    }
}
