use eventmodel::{Command, Event, Stream, projection};
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
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = RoomDay, emits(RoomBooked))]
struct BookRoom {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (RoomDay, eventmodel::Unguarded<RoomDay>), emits(RoomBooked), key(1.date = self.day))]
struct BookSuite {
    room: u64,
    date: Date,
    day: Date,
}

fn main() {}
