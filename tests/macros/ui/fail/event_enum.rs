use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
enum BookingEvent {
    Booked { room: u32 },
    Cancelled { room: u32 },
}

fn main() {}
