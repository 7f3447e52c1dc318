#![deny(unused_must_use)]

use eventmodel::testing::{automation_spec, spec, view_spec};
use eventmodel::{Command, Decide, Decision, Event, Stream, automation, emit, projection};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
struct Room {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
struct RoomBooked {
    room: u32,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Room)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(Default)]
struct Bot;

#[automation]
impl Bot {
    async fn booked(&self, _: &RoomBooked) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked))]
struct BookRoom {
    room: u32,
}

impl Decide for BookRoom {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(RoomBooked { room: self.room })
    }
}

fn main() {
    spec::<BookRoom>().when(BookRoom { room: 1 });
    view_spec::<RoomDay>().given(RoomBooked { room: 1 });
    automation_spec::<Bot>().given(RoomBooked { room: 1 });
}
