//! Types that begin with `eventmodel.` belong to the engine.

use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
struct Room {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room, type = "eventmodel.voided")]
struct Voided {
    room: u32,
}

fn main() {}
