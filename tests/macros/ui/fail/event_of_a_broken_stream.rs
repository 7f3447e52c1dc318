//! What is wrong with the stream is said once: the event is not to blame.

use eventmodel::{Command, Decide, Decision, Event, Stream, emit, projection};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}.*")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking, key(room = self.number))]
struct RoomCleaned {
    number: u32,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
    fn cleaned(&mut self, _: &RoomCleaned) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = RoomDay, emits(RoomBooked))]
struct BookRoom {
    room: u32,
}

impl Decide for BookRoom {
    fn decide(&self, _: &RoomDay) -> Decision<Self> {
        emit(RoomBooked { room: self.room })
    }
}

fn main() {}
