use eventmodel::Command;
use serde::{Deserialize, Serialize};

#[derive(Command, Serialize, Deserialize)]
enum Booking {
    Book { room: u32 },
    Cancel { room: u32 },
}

#[derive(Command, Serialize, Deserialize)]
struct Book(u32);

#[derive(Command, Serialize)]
struct Rename<'a> {
    name: &'a str,
}

fn main() {}
