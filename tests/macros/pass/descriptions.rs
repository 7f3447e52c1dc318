//! What is recorded about each type: documentation, fields, place, streams, schemas, codes.

#![deny(warnings)]

use eventmodel::{
    Automation, Codec, CodecError, Command, Event, Projection, Rejection, Stream, automation,
    projection,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The nights
/// of a room.
///
/// * Each is a lane.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}", log = "hotel")]
struct Booking {
    /// Its number.
    room: u32,
}

/** In a block. */
#[derive(Event, Serialize, Deserialize, JsonSchema)]
#[event(stream = Booking, version = 3, type = concat!("room-", "booked"), codec = Plain)]
struct RoomBooked {
    room: u32,
    #[doc = "Who sleeps"]
    #[doc = " there."]
    guests: Vec<Option<String>>,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
#[doc = concat!("Made ", "by a macro")]
struct RoomCleaned {
    room: u32,
}

struct Plain;

impl Codec for Plain {
    const CONTENT_TYPE: &'static str = "text/plain";
    fn encode<T: Serialize>(_: &T) -> Result<bytes::Bytes, CodecError> {
        Err(CodecError::new("no"))
    }
    fn decode<T: DeserializeOwned>(_: &[u8]) -> Result<T, CodecError> {
        Err(CodecError::new("no"))
    }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

/// A day.
#[projection(key = Booking, snapshot)]
impl RoomDay {
    /// It is taken.
    fn booked(&mut self, _: &RoomBooked) {}

    #[cfg(any())]
    fn never(&mut self, _: &NoSuchEvent) {}

    fn cleaned(&mut self, _: &RoomCleaned) {}

    fn helper(room: u32) -> Self {
        let _ = room;
        Self
    }

    fn query(&self) -> Self {
        Self::helper(1)
    }
}

/// Why not.
#[derive(Rejection, Serialize, Debug, thiserror::Error)]
#[error("refused")]
enum Refused {
    /// It is.
    AlreadyBooked,
    #[rejection(code = "too-late")]
    Late(u32),
    OTAClosed {
        until: u32,
    },
}

/// Takes it.
#[derive(Command, Serialize, Deserialize, JsonSchema)]
#[command(state = RoomDay, emits(RoomBooked, RoomCleaned), rejects = Refused, id = "{room}")]
struct BookRoom {
    room: u32,
}

/// Nothing is needed.
#[derive(Command, Serialize, Deserialize)]
struct Ping;

#[derive(Default)]
struct Bot;

#[automation]
impl Bot {
    /// Cleans.
    async fn booked(&self, _: &RoomBooked) {}
}

#[test]
fn it_is_accepted_and_works() {
    assert_eq!(
        Booking::INFO.ty.doc,
        "The nights\nof a room.\n\n* Each is a lane."
    );
    assert_eq!(Booking::INFO.log, Some("hotel"));
    assert_eq!(Booking::INFO.template.as_str(), "booking.{room}");
    assert_eq!(Booking::INFO.ty.fields[0].doc, "Its number.");
    assert!(
        Booking::INFO.ty.module.ends_with("descriptions") || !Booking::INFO.ty.module.is_empty()
    );

    let info = RoomBooked::INFO;
    assert_eq!((info.event_type, info.version), ("room-booked", 3));
    assert_eq!(info.ty.doc, "In a block.");
    assert_eq!(info.ty.fields[1].ty, "Vec<Option<String>>");
    assert_eq!(info.ty.fields[1].doc, "Who sleeps\nthere.");
    assert_eq!(info.ty.file, file!());
    assert_eq!(info.streams[0].ty.name, "Booking");
    assert!(info.schema.get().unwrap()["properties"]["guests"].is_object());
    assert_eq!(RoomCleaned::INFO.ty.doc.trim(), "Made by a macro");
    assert!(RoomCleaned::INFO.schema.get().is_none());
    assert_eq!(
        (RoomCleaned::INFO.event_type, RoomCleaned::INFO.version),
        ("RoomCleaned", 1)
    );

    let handlers: Vec<_> = RoomDay::INFO
        .handlers
        .iter()
        .map(|h| (h.name, h.doc))
        .collect();
    assert_eq!(handlers, [("booked", "It is taken."), ("cleaned", "")]);
    assert_eq!(RoomDay::INFO.ty.doc, "A day.");
    assert!(RoomDay::INFO.snapshot);
    assert!(RoomDay::INFO.handles("room-booked"));
    let _ = RoomDay.query();

    let codes: Vec<_> = Refused::INFO.variants.iter().map(|v| v.code).collect();
    assert_eq!(codes, ["already-booked", "too-late", "ota-closed"]);
    assert_eq!(Refused::INFO.variants[0].doc, "It is.");
    assert_eq!(Refused::AlreadyBooked.code(), "already-booked");
    assert_eq!(Refused::Late(1).code(), "too-late");
    assert_eq!(Refused::OTAClosed { until: 1 }.code(), "ota-closed");

    let info = BookRoom::INFO;
    assert_eq!(info.emits.len(), 2);
    assert_eq!(info.rejects.ty.name, "Refused");
    assert_eq!(info.id, Some("{room}"));
    assert_eq!(info.states[0].stream.unwrap().ty.name, "Booking");
    assert!(info.states[0].guarded && info.schema.get().is_some());
    assert_eq!(BookRoom { room: 1 }.id().unwrap(), "book-room:1");
    assert!(
        Ping::INFO.states.is_empty() && Ping::INFO.schema.get().is_none() && Ping.id().is_none()
    );
    Ping.keys();

    assert_eq!(Bot::INFO.handlers[0].doc, "Cleans.");
    assert!(Bot::INFO.commands().is_empty());
}
