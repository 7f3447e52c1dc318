use eventmodel::Command;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct RoomBooked {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked))]
struct BookRoom {
    room: u32,
}

fn main() {}
