use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct Tuple(u32);

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct Unit;

#[derive(Event, Serialize)]
#[event(stream = Booking)]
struct Borrowed<'a> {
    room: u32,
    guest: &'a str,
}

fn main() {}
