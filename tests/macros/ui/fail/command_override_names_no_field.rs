use eventmodel::{Command, Event, Now, Stream, projection};
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
#[command(state = RoomDay, key(day = self.date))]
struct BookRoom {
    room: u32,
    date: Date,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (RoomDay, Now), key(1.date = self.date, 5.room = self.room))]
struct BookSuite {
    room: u32,
    date: Date,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (RoomDay, Now), key(1.date = self.date))]
struct BookNow {
    room: u32,
    date: Date,
}

fn main() {}
