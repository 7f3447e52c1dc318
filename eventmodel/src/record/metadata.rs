//! The metadata of an event.

use std::sync::Arc;

use jiff::Timestamp;

use super::codec::{Codec, Json};
use super::id::{CommandId, EventId};
use super::position::Position;
use super::subject::Subject;

/// The metadata of an event: the attributes of its CloudEvents 1.0 envelope, and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The event's position in its log; [`Position::START`] until the event is recorded.
    pub position: Position,
    /// The subjects of the stream instances that the event belongs to; the subject of its first stream comes first.
    /// Never empty.
    pub subjects: Arc<[Subject]>,
    /// `ce-id`: `<command id>/<n>`.
    pub id: EventId,
    /// `ce-type`: the name that the event is recorded under.
    pub event_type: Arc<str>,
    /// The version of the event's shape.
    pub version: u32,
    /// `ce-time`: the time of the decision, by the clock of the process that decided.
    pub time: Timestamp,
    /// `ce-source`: the model, the automation or the program that recorded the event.
    pub source: Arc<str>,
    /// `ce-datacontenttype`: the media type of the payload.
    pub content_type: Arc<str>,
    /// `ce-correlationid`: the same for everything that followed from one request.
    pub correlation_id: Arc<str>,
    /// `ce-causationid`: the cause of the command that emitted the event. For an automation's command it is the id of
    /// an event.
    pub causation_id: Option<Arc<str>>,
    /// `ce-traceparent`: the W3C trace context of the command.
    pub traceparent: Option<Arc<str>>,
    /// The command that emitted the event.
    pub command: CommandRef,
}

impl Metadata {
    /// Of an event of a command: version 1, in JSON, with the command's id as correlation id. Its position is still
    /// [`Position::START`], its time the epoch, its source unknown.
    pub fn new(
        command: CommandRef,
        id: EventId,
        event_type: impl Into<Arc<str>>,
        subjects: impl Into<Arc<[Subject]>>,
    ) -> Self {
        Self {
            position: Position::START,
            subjects: subjects.into(),
            id,
            event_type: event_type.into(),
            version: 1,
            time: Timestamp::UNIX_EPOCH,
            source: "".into(),
            content_type: Json::CONTENT_TYPE.into(),
            correlation_id: command.id.shared(),
            causation_id: None,
            traceparent: None,
            command,
        }
    }
}

impl Metadata {
    /// The subject of the event's first stream.
    pub fn subject(&self) -> &Subject {
        &self.subjects[0]
    }
}

/// The command that emitted an event. It tells a repeated command from another one under the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandRef {
    /// The id of the command.
    pub id: CommandId,
    /// The name of the command: `BookRoom`.
    pub name: Arc<str>,
    /// A hash of the command's body; `None` if the id was a fresh one.
    pub fingerprint: Option<u64>,
    /// How many events the command emitted.
    pub events: u32,
}

impl CommandRef {
    /// A command without a fingerprint, which has emitted nothing so far.
    pub fn new(id: CommandId, name: impl Into<Arc<str>>) -> Self {
        Self {
            id,
            name: name.into(),
            fingerprint: None,
            events: 0,
        }
    }

    /// What tells it from another command under its id, if that is known.
    #[must_use]
    pub fn fingerprint(mut self, fingerprint: Option<u64>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// How many events it has emitted.
    #[must_use]
    pub fn events(mut self, events: u32) -> Self {
        self.events = events;
        self
    }
}

impl CommandRef {
    /// Whether `other`, which has the same id, is the same command.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.name == other.name
            && match (self.fingerprint, other.fingerprint) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }
}
