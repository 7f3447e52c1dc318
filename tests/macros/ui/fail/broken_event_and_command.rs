//! One mistake each, and no second wave at what uses them.

use eventmodel::{
    Automation, Command, Decide, Decision, Event, Stream, automation, emit, projection,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking, versoin = 2)]
struct RoomBooked {
    room: u32,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked, _: u32, _: u32) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = RoomDay, emits(RoomBooked), reject = Refused)]
struct BookRoom {
    room: u32,
}

impl Decide for BookRoom {
    fn decide(&self, _: &RoomDay) -> Decision<Self> {
        emit(RoomBooked { room: self.room })
    }
}

struct Bot;

#[automation]
impl Bot {
    async fn booked(&self, _event: RoomBooked) -> Option<BookRoom> {
        None
    }
}

fn is_automation<A: Automation>(_: A) {}

fn main() {
    is_automation(Bot);
}
