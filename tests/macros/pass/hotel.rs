//! The model of the design, in one file.

#![forbid(unsafe_code)]
#![deny(warnings)]

use eventmodel::{
    App, Automation, Command, Decide, Decision, Event, Metadata, Now, Projection, Rejection,
    Stream, SubjectToken, Unguarded, automation, emit, projection, reject,
};
use jiff::civil::{Date, date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    SubjectToken, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash,
)]
pub struct RoomId(u32);

#[derive(
    SubjectToken, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash,
)]
pub struct ClientId {
    id: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(log = "hotel", subject = "booking.{room}.{date}")]
pub struct Booking {
    pub room: RoomId,
    pub date: Date,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room.{room}")]
pub struct RoomStream {
    pub room: RoomId,
}

/// A guest has a room for a night.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Booking)]
pub struct RoomBooked {
    pub room: RoomId,
    pub date: Date,
    pub client: ClientId,
}

#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = RoomStream)]
pub struct RoomCreated {
    pub room: RoomId,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct RoomDay {
    client: Option<ClientId>,
    at: Option<jiff::Timestamp>,
}

#[projection(key = Booking)]
impl RoomDay {
    fn booked(&mut self, event: &RoomBooked, meta: &Metadata) {
        self.client = Some(event.client);
        self.at = Some(meta.time);
    }

    pub fn is_free(&self) -> bool {
        self.client.is_none()
    }
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Room {
    exists: bool,
}

#[projection(key = RoomStream)]
impl Room {
    fn created(&mut self, _: &RoomCreated) {
        self.exists = true;
    }
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Availability {
    booked: u32,
}

#[projection(key(room: RoomId, date: Date))]
impl Availability {
    fn booked(&mut self, _: &RoomBooked) {
        self.booked += 1;
    }

    #[key(date = Date::ZERO)]
    fn created(&mut self, _: &RoomCreated) {}
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum BookingRejection {
    #[error("booked")]
    AlreadyBooked { room: RoomId },
    #[error("no such room")]
    #[rejection(code = "unknown-room")]
    NoRoom,
}

#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[command(state = (RoomDay, Unguarded<Room>, Now), emits(RoomBooked), rejects = BookingRejection, id = "{order}/{client.id}")]
pub struct BookRoom {
    pub room: RoomId2,
    pub order: String,
    #[schemars(skip)]
    pub date: Date,
    pub client: ClientId,
}
type RoomId2 = RoomId;

impl Decide for BookRoom {
    fn decide(&self, (day, room, _): &(RoomDay, Unguarded<Room>, Now)) -> Decision<Self> {
        if !room.exists {
            return reject(BookingRejection::NoRoom);
        }
        if !day.is_free() {
            return reject(BookingRejection::AlreadyBooked { room: self.room });
        }
        emit(RoomBooked {
            room: self.room,
            date: self.date,
            client: self.client,
        })
    }
}

pub struct Bot;

#[automation]
impl Bot {
    /// Books another one.
    async fn booked(&self, event: &RoomBooked, meta: &Metadata, _: &App) -> Option<BookRoom> {
        Some(BookRoom {
            room: event.room,
            order: meta.id.to_string(),
            date: event.date,
            client: event.client,
        })
    }

    fn created(&self, _: &RoomCreated) {}
}

#[test]
fn it_is_accepted_and_works() {
    let booking = Booking {
        room: RoomId(1),
        date: date(2022, 12, 12),
    };
    let subject = booking.subject().unwrap();
    assert_eq!(subject.as_str(), "booking.1.2022-12-12");
    assert_eq!(Booking::from_subject(&subject).unwrap(), booking);
    assert_eq!(RoomBooked::INFO.ty.doc, "A guest has a room for a night.");
    assert_eq!(RoomBooked::INFO.ty.line, 42);
    assert!(
        RoomBooked::INFO.ty.file.ends_with("hotel.rs"),
        "{}",
        RoomBooked::INFO.ty.file
    );
    assert_eq!(RoomBooked::INFO.ty.file, file!());
    assert!(RoomBooked::INFO.schema.get().is_none());
    assert!(RoomCreated::INFO.schema.get().is_some());
    assert_eq!(Bot::INFO.commands().len(), 1);
    assert_eq!(Bot::INFO.handlers[0].doc, "Books another one.");
    let command = BookRoom {
        room: RoomId(1),
        order: "a/b".into(),
        date: date(2022, 12, 12),
        client: ClientId { id: 2 },
    };
    assert_eq!(command.id().unwrap(), "book-room:a%2Fb/2");
    assert_eq!(BookingRejection::NoRoom.code(), "unknown-room");
    assert_eq!(Availability::INFO.key, ["room", "date"]);
}
