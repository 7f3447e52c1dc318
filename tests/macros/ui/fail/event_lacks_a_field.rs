//! A field of the key that is missing, and one of another type.

use eventmodel::{Event, Stream};
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
    day: Date,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomCleaned {
    room: String,
    date: Date,
}

fn main() {}
