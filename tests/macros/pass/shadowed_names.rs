//! Names of the standard library and of this crate mean something else where the macros are used.

#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(dead_code, unused_macros)]

mod std {}
mod core {}
mod alloc {}
mod eventmodel {}
mod serde {}
mod async_trait {}

struct Option;
struct Result;
struct String;
struct Vec;
struct Box;
struct Some;
struct None;
struct Ok;
struct Err;
struct Default;
struct Clone;
struct Send;
struct Sync;
struct Sized;
struct Into;
struct From;
struct Fn;
struct Given;
struct ByName;
struct Json;

type F0 = u32;

macro_rules! assert {
    () => {};
}
macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}
macro_rules! unreachable {
    () => {};
}
macro_rules! matches {
    () => {};
}

#[derive(
    ::eventmodel::Stream,
    ::core::clone::Clone,
    ::core::fmt::Debug,
    ::core::cmp::PartialEq,
    ::core::cmp::Eq,
    ::core::hash::Hash,
)]
#[stream(subject = "booking.{room}.{value}")]
struct Booking {
    room: F0,
    value: Name,
}

#[derive(
    ::eventmodel::SubjectToken,
    ::serde::Serialize,
    ::serde::Deserialize,
    ::core::clone::Clone,
    ::core::fmt::Debug,
    ::core::cmp::PartialEq,
    ::core::cmp::Eq,
    ::core::hash::Hash,
)]
struct Name(::std::string::String);

#[derive(::eventmodel::Event, ::serde::Serialize, ::serde::Deserialize)]
#[event(stream = Booking, key(value = self.name))]
struct RoomBooked {
    room: F0,
    name: Name,
}

#[derive(
    ::core::default::Default, ::core::clone::Clone, ::serde::Serialize, ::serde::Deserialize,
)]
struct RoomDay {
    booked: bool,
}

#[::eventmodel::projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked, _: &::eventmodel::Metadata) {
        self.booked = true;
    }
}

#[derive(
    ::core::default::Default, ::core::clone::Clone, ::serde::Serialize, ::serde::Deserialize,
)]
struct Rooms;

#[::eventmodel::projection(key(room: F0, floor: F0))]
impl Rooms {
    #[key(floor = 7)]
    fn booked(&mut self, _: &RoomBooked) {}
}

#[derive(::eventmodel::Rejection, ::serde::Serialize, ::core::fmt::Debug)]
enum Refused {
    Booked,
}

impl ::core::fmt::Display for Refused {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str("booked")
    }
}

impl ::core::error::Error for Refused {}

#[derive(::eventmodel::Command, ::serde::Serialize, ::serde::Deserialize)]
#[command(
    state = (RoomDay, ::eventmodel::Now),
    emits(RoomBooked),
    rejects = Refused,
    id = "{room}/{value}",
    validate = Self::check,
    key(0.room = self.room),
)]
struct BookRoom {
    room: F0,
    value: Name,
}

impl BookRoom {
    fn check(&self) -> ::core::result::Result<(), ::eventmodel::Violations> {
        ::core::result::Result::Ok(())
    }
}

impl ::eventmodel::Decide for BookRoom {
    fn decide(&self, _: &(RoomDay, ::eventmodel::Now)) -> ::eventmodel::Decision<Self> {
        ::eventmodel::reject(Refused::Booked)
    }
}

struct Bot;

#[::eventmodel::automation]
impl Bot {
    async fn booked(&self, event: &RoomBooked, _: &::eventmodel::Metadata) -> BookRoom {
        BookRoom {
            room: event.room,
            value: ::core::clone::Clone::clone(&event.name),
        }
    }
}
