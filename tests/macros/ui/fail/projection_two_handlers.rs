//! Two handlers for one event, also under another name of its type.

use eventmodel::{Event, Stream, projection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}.{date}")]
struct Booking {
    room: u32,
    date: Date,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
    date: Date,
}

type Booked = RoomBooked;

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
    fn taken(&mut self, _: &RoomBooked) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomNight;

#[projection(key = Booking)]
impl RoomNight {
    fn booked(&mut self, _: &RoomBooked) {}
    fn taken(&mut self, _: &Booked) {}
}

fn main() {}
