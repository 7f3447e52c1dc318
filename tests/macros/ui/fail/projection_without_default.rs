use eventmodel::{Event, Stream, projection};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
struct Room {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
struct RoomCreated {
    room: u32,
}

#[derive(Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Room)]
impl RoomDay {
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
