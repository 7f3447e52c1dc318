//! The view of the tests of view hosts: what has happened to each seat, in the order it was applied.

use std::collections::BTreeMap;

use eventmodel::{
    Codec, DecodeError, DecodeReason, EventInfo, HandlerInfo, Json, Projection, ProjectionInfo,
    RecordedEvent, SchemaInfo, StreamInfo, SubjectReader, TypeInfo,
};
use serde::{Deserialize, Serialize};

/// The ids of the events of a seat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seats {
    pub(super) events: Vec<String>,
}

const TEMPLATE: &str = "{log}.seat.{row}.{number}";

const fn ty(name: &'static str) -> TypeInfo {
    TypeInfo::__new(name, module_path!(), "", &[], file!(), line!())
}

static STREAM: StreamInfo = StreamInfo::__new(ty("Seat"), None, TEMPLATE);

static EVENT: EventInfo = EventInfo::__new::<SomethingHappened>(
    ty("SomethingHappened"),
    "SomethingHappened",
    1,
    &[&STREAM],
    SchemaInfo::NONE,
);

static HANDLERS: [HandlerInfo; 1] = [HandlerInfo::__new("happened", "", &EVENT)];

static INFO: ProjectionInfo = ProjectionInfo::__new(ty("Seats"), &["row", "number"], &HANDLERS);

struct SomethingHappened;

impl Projection for Seats {
    const INFO: &'static ProjectionInfo = &INFO;

    type Key = (String, String);

    fn key_of(event: &RecordedEvent) -> Result<Option<Self::Key>, DecodeError> {
        if event.event_type() != EVENT.event_type || event.subject().tokens().count() != 4 {
            return Ok(None);
        }
        let mut reader = SubjectReader::new(event.subject(), TEMPLATE);
        let key = reader
            .token::<String>("log")
            .and_then(|_| reader.literal("seat"))
            .and_then(|()| Ok((reader.token("row")?, reader.token("number")?)));
        Ok(key.ok())
    }

    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError> {
        Json::decode::<serde_json::Value>(event.payload())
            .map_err(|error| event.decode_error(DecodeReason::Payload(error)))?;
        self.events.push(event.metadata().id.to_string());
        Ok(true)
    }
}

/// What the view must be after these events: the ids of each key's text, and the position of the last of them.
pub(super) fn fold(events: &[RecordedEvent]) -> BTreeMap<String, (Vec<String>, u64)> {
    let mut seats: BTreeMap<String, (Vec<String>, u64)> = BTreeMap::new();
    for event in events {
        let mut tokens = event.subject().as_str().splitn(3, '.');
        let (_, stream, key) = (tokens.next(), tokens.next(), tokens.next());
        if let (Some("seat"), Some(key)) = (stream, key) {
            let (ids, last) = seats.entry(key.to_owned()).or_default();
            ids.push(event.metadata().id.to_string());
            *last = event.position().get();
        }
    }
    seats
}
