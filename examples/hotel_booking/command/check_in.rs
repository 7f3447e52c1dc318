use eventmodel::{Command, Decide, Decision, Rejection, Unguarded, Violations, emit, reject};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::booking::{GuestCheckedIn, Status};
use crate::model::{Client, Room, night};
use crate::projection::RoomDay;

/// Lets a guest into the room.
///
/// A guest may arrive after midnight. So a guest who checks in on the 13th comes for the night of the 13th if the
/// guest has booked it, else for the night before; of both, for the one whose room is ready. What happens is recorded
/// on that night.
///
/// Both nights are looked at, one is written. That one is guarded at what the decision has seen of it, because it
/// is written; the other need not be, and so one guard and one event do.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(deny_unknown_fields)]
#[command(
    name = "checkin",
    state = (Unguarded<RoomDay>, Unguarded<RoomDay>),
    key(1.date = self.night_before()),
    emits(GuestCheckedIn),
    rejects = CheckInRejection,
    validate = Self::check
)]
pub struct CheckIn {
    /// The room.
    pub room: Room,
    /// The guest.
    pub client: Client,
    /// The day of arrival.
    pub date: Date,
}

/// Why a guest is not let in.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
#[serde(untagged)]
pub enum CheckInRejection {
    /// Nobody has booked the room, neither for this night nor for the one before.
    #[error("{room} is not booked for the night of {date}, nor for the night before")]
    NotBooked {
        /// The room.
        room: Room,
        /// The day of arrival.
        date: Date,
    },
    /// Another guest has booked the room.
    #[error("{room} is booked by another guest for the night of {date}")]
    BookedByAnother {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// The room is not cleaned yet.
    #[error("{room} is not cleaned yet for the night of {date}")]
    NotCleaned {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// The guest has checked in already.
    #[error("the guest is checked in already to {room} for the night of {date}")]
    AlreadyCheckedIn {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
}

impl CheckIn {
    /// The night before the day of arrival. The calendar has a first day, and no night before it.
    fn night_before(&self) -> Date {
        self.date.yesterday().unwrap_or(self.date)
    }

    fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        self.room.check(&mut violations);
        self.client.check(&mut violations);
        let valid =
            night::is_in_the_books(self.date) || night::is_in_the_books(self.night_before());
        night::check(valid, &mut violations);
        violations.into_result()
    }
}

impl Decide for CheckIn {
    fn decide(
        &self,
        (tonight, last_night): &(Unguarded<RoomDay>, Unguarded<RoomDay>),
    ) -> Decision<Self> {
        let &Self { room, client, .. } = self;
        let nights = [(self.date, tonight), (self.night_before(), last_night)];
        let booked = || {
            nights
                .into_iter()
                .filter(|(_, day)| day.client == Some(client))
        };
        // A guest who has both nights, and comes after midnight, need not wait until tonight's room is clean.
        let ready = booked().find(|(_, day)| day.status == Status::Available);
        let Some((date, day)) = ready.or_else(|| booked().next()) else {
            return match nights.into_iter().find(|(_, day)| day.client.is_some()) {
                Some((date, _)) => reject(CheckInRejection::BookedByAnother { room, date }),
                None => reject(CheckInRejection::NotBooked {
                    room,
                    date: self.date,
                }),
            };
        };
        match day.status {
            Status::Available => emit(GuestCheckedIn { room, client, date }),
            Status::Occupied => reject(CheckInRejection::AlreadyCheckedIn { room, date }),
            Status::Free | Status::Booked => reject(CheckInRejection::NotCleaned { room, date }),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;
    use crate::model::booking::{RoomAvailable, RoomBooked};

    const ROOM: Room = Room { id: 1 };
    const FIRST: Client = Client { id: 1 };
    const SECOND: Client = Client { id: 2 };
    const NIGHT: Date = jiff::civil::date(2022, 12, 12);
    const DAY_AFTER: Date = jiff::civil::date(2022, 12, 13);

    fn check_in(client: Client, date: Date) -> CheckIn {
        CheckIn {
            room: ROOM,
            client,
            date,
        }
    }

    fn booked(client: Client, date: Date) -> RoomBooked {
        RoomBooked {
            room: ROOM,
            client,
            date,
        }
    }

    fn cleaned(date: Date) -> RoomAvailable {
        RoomAvailable { room: ROOM, date }
    }

    fn checked_in(client: Client, date: Date) -> GuestCheckedIn {
        GuestCheckedIn {
            room: ROOM,
            client,
            date,
        }
    }

    #[test]
    fn a_guest_checks_in_to_a_room_that_is_available() {
        spec::<CheckIn>()
            .given((booked(FIRST, NIGHT), cleaned(NIGHT)))
            .when(check_in(FIRST, NIGHT))
            .emits(checked_in(FIRST, NIGHT));
    }

    #[test]
    fn a_guest_who_arrives_after_midnight_comes_for_the_night_before() {
        spec::<CheckIn>()
            .given((booked(FIRST, NIGHT), cleaned(NIGHT)))
            .when(check_in(FIRST, DAY_AFTER))
            .emits(checked_in(FIRST, NIGHT));
    }

    #[test]
    fn a_guest_who_arrives_after_midnight_comes_for_the_night_before_also_if_another_has_the_next()
    {
        spec::<CheckIn>()
            .given((
                booked(FIRST, NIGHT),
                cleaned(NIGHT),
                booked(SECOND, DAY_AFTER),
            ))
            .when(check_in(FIRST, DAY_AFTER))
            .emits(checked_in(FIRST, NIGHT));
    }

    #[test]
    fn a_guest_who_has_both_nights_comes_for_the_one_of_the_date() {
        spec::<CheckIn>()
            .given((
                booked(FIRST, NIGHT),
                cleaned(NIGHT),
                booked(FIRST, DAY_AFTER),
                cleaned(DAY_AFTER),
            ))
            .when(check_in(FIRST, DAY_AFTER))
            .emits(checked_in(FIRST, DAY_AFTER));
    }

    #[test]
    fn a_guest_who_has_both_nights_need_not_wait_until_the_second_one_is_clean() {
        spec::<CheckIn>()
            .given((
                booked(FIRST, NIGHT),
                cleaned(NIGHT),
                booked(FIRST, DAY_AFTER),
            ))
            .when(check_in(FIRST, DAY_AFTER))
            .emits(checked_in(FIRST, NIGHT));
    }

    #[test]
    fn a_room_that_is_not_booked_is_not_entered() {
        spec::<CheckIn>()
            .when(check_in(FIRST, NIGHT))
            .rejects(CheckInRejection::NotBooked {
                room: ROOM,
                date: NIGHT,
            });
    }

    #[test]
    fn a_room_is_not_entered_before_it_is_cleaned() {
        for date in [NIGHT, DAY_AFTER] {
            spec::<CheckIn>()
                .given(booked(FIRST, NIGHT))
                .when(check_in(FIRST, date))
                .rejects(CheckInRejection::NotCleaned {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn a_room_is_entered_by_the_guest_who_booked() {
        for date in [NIGHT, DAY_AFTER] {
            spec::<CheckIn>()
                .given((booked(FIRST, NIGHT), cleaned(NIGHT)))
                .when(check_in(SECOND, date))
                .rejects(CheckInRejection::BookedByAnother {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn a_guest_checks_in_once() {
        for date in [NIGHT, DAY_AFTER] {
            spec::<CheckIn>()
                .given((
                    booked(FIRST, NIGHT),
                    cleaned(NIGHT),
                    checked_in(FIRST, NIGHT),
                ))
                .when(check_in(FIRST, date))
                .rejects(CheckInRejection::AlreadyCheckedIn {
                    room: ROOM,
                    date: NIGHT,
                });
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let (room, client) = (Room { id: 0 }, Client { id: 0 });
        for date in [Date::MIN, Date::MAX] {
            spec::<CheckIn>()
                .when(CheckIn { room, client, date })
                .invalid(["room.id", "client.id", "date"]);
        }
    }

    #[test]
    fn there_is_no_night_before_the_first_day_of_the_calendar() {
        let (tonight, last_night) = check_in(FIRST, Date::MIN).keys();
        assert_eq!(tonight, last_night);
    }

    #[test]
    fn the_last_night_can_be_entered_after_midnight() {
        let after = night::LAST.tomorrow().unwrap();
        assert_eq!(check_in(FIRST, after).validate(), Ok(()));
    }
}
