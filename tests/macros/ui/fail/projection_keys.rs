use eventmodel::{Event, Stream, projection};
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

#[projection(kee = Room)]
impl A {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct B;

#[projection(key = Room, key(room: u32))]
impl B {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct C;

#[projection(key(room: u32, room: u32, a: u8, b: u8, c: u8))]
impl C {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct D;

#[projection(key(room))]
impl D {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct E;

#[projection(key())]
impl E {
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct F;

#[projection(key(room: u32))]
impl F {
    #[key(rom = event.room, 0.room = event.room)]
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct G;

#[projection]
impl G {
    #[key(room = event.room)]
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct H;

#[projection(key = Room)]
impl H {
    #[key(floor = event.room)]
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct I;

#[projection(key(room: f64))]
impl I {
    #[key(room = f64::from(event.room))]
    fn created(&mut self, _: &RoomCreated) {}
}

fn main() {}
