use eventmodel::testing::spec;
use eventmodel::{Command, Decide, Decision, Event, Stream, emit};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
struct Room {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
struct RoomBooked {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
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
        emit(RoomBooked { room: self.room })
    }
}

fn main() {
    spec::<BookRoom>().emits(RoomBooked { room: 1 });
    spec::<BookRoom>()
        .when(BookRoom { room: 1 })
        .emits(RoomCleaned { room: 1 });
    spec::<BookRoom>().given(BookRoom { room: 1 });
}
