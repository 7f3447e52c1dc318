use eventmodel::{Command, Event, Stream, Unguarded, projection};
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

#[derive(Default, Clone, Serialize, Deserialize)]
struct Room;

#[projection(key(room: u32))]
impl Room {
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Hotel;

#[projection]
impl Hotel {
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Room, emits(RoomBooked))]
struct BookRoom {
    room: u32,
    date: Date,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (Unguarded<Hotel>, Room), emits(RoomBooked))]
struct BookSuite {
    room: u32,
    date: Date,
}

fn main() {}
