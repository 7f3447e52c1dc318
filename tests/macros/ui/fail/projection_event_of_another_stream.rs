use eventmodel::{Event, Stream, projection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}.{date}")]
struct Booking {
    room: u32,
    date: Date,
}

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
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
