//! A handler that holds something which is bound to its thread while it waits.

use std::rc::Rc;

use eventmodel::{Event, Stream, automation};
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

struct Bot;

#[automation]
impl Bot {
    async fn created(&self, event: &RoomCreated) {
        let room = Rc::new(event.room);
        std::future::ready(()).await;
        drop(room);
    }
}

fn main() {}
