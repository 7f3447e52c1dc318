//! The struct is there, its derive is forgotten.

use eventmodel::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Booking {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
}

fn main() {}
