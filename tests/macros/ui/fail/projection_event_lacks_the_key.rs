use eventmodel::{Event, Stream, projection};
use jiff::civil::Date;
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
struct Calendar;

#[projection(key(room: u32, date: Date))]
impl Calendar {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct ByName;

#[projection(key(room: String))]
impl ByName {
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
