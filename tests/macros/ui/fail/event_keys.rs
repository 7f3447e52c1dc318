use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
struct NoAttribute {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 2)]
struct NoStream {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream(Booking), streams = Booking, verzion = 2)]
struct Mistaken {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking, streams(Booking), version = 0, version = 1)]
struct Twice {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(streams(Booking, Booking), type = "a", codec)]
struct SameStream {
    room: u32,
}

fn main() {}
