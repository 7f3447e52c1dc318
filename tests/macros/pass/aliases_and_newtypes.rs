//! Types are bound by their traits, never by their names.

#![deny(warnings)]

use eventmodel::model::BelongsTo;
use eventmodel::{
    App, Command, Decide, Decision, Event, Metadata, Stream, SubjectToken, automation, emit,
    projection,
};
use serde::{Deserialize, Serialize};

#[derive(SubjectToken, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Number(u32);

#[derive(SubjectToken, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RoomId {
    number: Number,
}

type Id = RoomId;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: Id,
}

type Lane = Booking;
type Meta<'a> = &'a Metadata;
type Model = App;

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Lane)]
struct RoomBooked {
    room: RoomId,
}

type Booked = RoomBooked;

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

type Day = RoomDay;

#[projection(key = Lane)]
impl Day {
    fn booked(&mut self, _: &Booked, _: Meta<'_>) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Day, emits(Booked))]
struct BookRoom {
    room: Id,
}

impl Decide for BookRoom {
    fn decide(&self, _: &RoomDay) -> Decision<Self> {
        emit(RoomBooked { room: self.room })
    }
}

type Commands = Vec<BookRoom>;

struct Bot;

#[automation]
impl Bot {
    fn booked(&self, _: &Booked, _: &Model, _: Meta<'_>) -> Commands {
        Vec::new()
    }
}

#[test]
fn it_is_accepted_and_works() {
    let event = RoomBooked {
        room: RoomId { number: Number(7) },
    };
    let key: Booking = event.stream_key();
    assert_eq!(key.subject().unwrap().as_str(), "booking.7");
}
