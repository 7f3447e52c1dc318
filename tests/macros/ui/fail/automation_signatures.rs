use eventmodel::{App, Event, IntoCommands, Metadata, Stream, automation};
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
    async fn exclusive(&mut self, _event: &RoomCreated) {}
    async fn nothing(&self) {}
    async fn by_value(&self, _event: RoomCreated) {}
    async fn four(&self, _event: &RoomCreated, _meta: &Metadata, _app: &App, _more: u32) {}
    async fn unnamed(&self, _event: &RoomCreated) -> impl IntoCommands {}
    #[key(room = event.room)]
    async fn keyed(&self, _event: &RoomCreated) {}
}

struct Other;

#[automation]
impl Other {
    async fn second(&self, _event: &RoomCreated, _room: u32) {}
}

struct Third;

#[automation]
impl Third {
    async fn answers(&self, _event: &RoomCreated) -> u32 {
        1
    }
}

#[automation(key = Room)]
impl Fourth {
    async fn created(&self, _event: &RoomCreated) {}
}

struct Fourth;

fn main() {}
