//! A crate that re-exports `eventmodel`, and says so.

#![deny(warnings)]

use serde::{Deserialize, Serialize};

mod my {
    pub mod model {
        pub use ::eventmodel::*;
    }
}

use my::model as em;

#[derive(em::SubjectToken, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[subject_token(crate = my::model)]
struct RoomId(u32);

#[derive(em::Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}", crate = crate::crate_path::my::model)]
struct Booking {
    room: RoomId,
}

#[derive(em::Event, Serialize, Deserialize)]
#[event(crate = em, stream = Booking)]
struct RoomBooked {
    room: RoomId,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[em::projection(key = Booking, crate = em)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(em::Rejection, Serialize, Debug, thiserror::Error)]
#[rejection(crate = em)]
#[error("refused")]
struct Refused;

#[derive(em::Command, Serialize, Deserialize)]
#[command(crate = em, state = RoomDay, emits(RoomBooked), rejects = Refused)]
struct BookRoom {
    room: RoomId,
}

impl em::Decide for BookRoom {
    fn decide(&self, _: &RoomDay) -> em::Decision<Self> {
        em::emit(RoomBooked {
            room: self.room.clone(),
        })
    }
}

struct Bot;

#[em::automation(crate = em)]
impl Bot {
    async fn booked(&self, event: &RoomBooked) -> Option<BookRoom> {
        Some(BookRoom {
            room: event.room.clone(),
        })
    }
}

#[test]
fn it_is_accepted_and_works() {
    assert_eq!(<Refused as em::Rejection>::INFO.variants[0].code, "refused");
}
