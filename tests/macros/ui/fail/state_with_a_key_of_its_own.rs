//! A handler that says which instance its event is for makes a view, not a state.

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
struct NextDay;

#[projection(key = Booking)]
impl NextDay {
    #[key(date = event.date.tomorrow().unwrap_or(Date::MAX))]
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = NextDay)]
struct BookRoom {
    room: u32,
    date: Date,
}

fn main() {}
