use eventmodel::{Command, Decide, Decision, Rejection, Unguarded, Violations, emit, reject};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::booking::{GuestCheckedIn, Status};
use crate::model::{Client, Room, night};
use crate::projection::RoomDay;

/// Lets a guest into the room.
///
/// A guest may arrive after midnight. So a guest who checks in on the 13th comes for the night of the 13th if that
/// is booked by the guest, else for the night before, and what happens is recorded on that night.
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
pub enum CheckInRejection {
    /// Nobody has booked it, neither for this night nor for the one before.
    #[error("{room} is not booked for the night of {date}, nor for the night before")]
    NotBooked {
        /// The room.
        room: Room,
        /// The day of arrival.
        date: Date,
    },
    /// Somebody else has booked it.
    #[error("{room} is booked by another guest for the night of {date}")]
    BookedByAnother {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// It is not clean yet.
    #[error("{room} is not cleaned yet for the night of {date}")]
    NotCleaned {
        /// The room.
        room: Room,
        /// The night.
        date: Date,
    },
    /// The guest is in.
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
        let Some((date, day)) = nights
            .into_iter()
            .find(|(_, day)| day.client == Some(client))
        else {
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
