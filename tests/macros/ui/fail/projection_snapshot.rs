use eventmodel::{Event, Metadata, Stream, projection};
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

#[derive(Default, Clone, Serialize, Deserialize)]
struct A;

#[projection(key(room: u32), snapshot)]
impl A {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct B;

#[projection(snapshot)]
impl B {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct C;

#[projection(key = Room, snapshot)]
impl C {
    fn created(&mut self, _: &RoomCreated, _: &Metadata) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct D;

#[projection(key = Room, snapshot = true)]
impl D {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct E;

#[projection(key = Room, snapshots)]
impl E {
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
