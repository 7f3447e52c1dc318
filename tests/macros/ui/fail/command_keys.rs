use eventmodel::{Command, Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emit(RoomBooked), state, rejects(Refused), validate)]
struct Misspelled {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked, RoomBooked), name = "Book Room", id = "{order}")]
struct BadValues {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits = RoomBooked, id = "book", garde = true)]
struct BadForms {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(id = "{room}{guest}", key(room = self.guest))]
struct Ambiguous {
    room: u32,
    guest: u32,
}

fn main() {}
