use eventmodel::{Command, Decide, Decision, Event, Stream, emit};
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

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomCleaned {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked))]
struct BookRoom {
    room: u32,
}

impl Decide for BookRoom {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(RoomCleaned { room: self.room })
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked))]
struct BookRooms {
    room: u32,
}

impl Decide for BookRooms {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit((RoomBooked { room: self.room }, vec![RoomCleaned { room: self.room }]))
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(RoomBooked))]
struct BookNumber {
    room: u32,
}

impl Decide for BookNumber {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(self.room)
    }
}

fn main() {}
