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

#[derive(Default, Clone, Serialize, Deserialize)]
struct Rooms;

#[projection(key = u32)]
impl Rooms {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Others;

#[projection(key = (u32, u32))]
impl Others {
    #[key(room = 1)]
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
