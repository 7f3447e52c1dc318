use eventmodel::{Command, Now};
use serde::{Deserialize, Serialize};

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[derive(Command, Serialize, Deserialize)]
#[command(state = RoomDay)]
struct BookRoom {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (RoomDay, Now))]
struct BookSuite {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = (Now, Now, Now, Now, Now, Now, Now))]
struct TooMany {
    room: u32,
}

fn main() {}
