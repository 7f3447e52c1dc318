//! Forgotten: the derive of the command, `#[automation]` itself, the derive of the event.

use eventmodel::{Event, EventModel, Slice, Stream, automation};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
struct Room {
    room: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Room)]
struct RoomCreated {
    room: u32,
}

struct NoCommand;

struct Bot;

#[automation]
impl Bot {
    async fn created(&self, _event: &RoomCreated) -> Option<NoCommand> {
        None
    }
}

struct NoEvent;

struct DeafBot;

#[automation]
impl DeafBot {
    async fn happened(&self, _event: &NoEvent) {}
}

struct NotABot;

fn main() {
    let _ = EventModel::new("hotel").slice(Slice::new("It reacts").automation_with(NotABot));
}
