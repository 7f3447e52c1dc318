//! Two mistakes in one type give two errors.

use eventmodel::{Command, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{rom}", lgo = "hotel")]
struct Booking {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(stat = RoomDay, name = "Book")]
struct BookRoom {
    room: u32,
}

fn main() {}
