//! An event before and after it is recorded.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::codec::CodecError;
use super::metadata::Metadata;
use super::position::Position;
use super::subject::Subject;

/// A decoded event, with its type erased.
pub(crate) type Decoded = Arc<dyn Any + Send + Sync>;

/// An event on its way to a store.
#[derive(Clone)]
pub struct NewEvent {
    /// The metadata of the event; its position is still [`Position::START`].
    pub metadata: Metadata,
    /// The encoded event.
    pub payload: Bytes,
    read_back: Option<Decoded>,
}

impl NewEvent {
    /// An event whose codec wrote this payload.
    pub fn new(metadata: Metadata, payload: Bytes) -> Self {
        Self {
            metadata,
            payload,
            read_back: None,
        }
    }

    /// Keeps the event that the payload was read back as, so that a fold need not decode it.
    pub(crate) fn read_back(self, read_back: Decoded) -> Self {
        Self {
            read_back: Some(read_back),
            ..self
        }
    }
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("metadata", &self.metadata)
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}

/// An event as it stands in a log. Clones are cheap.
#[derive(Clone)]
pub struct RecordedEvent(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    payload: Bytes,
    /// The decoded event, if this process has decoded it.
    read_back: Option<Decoded>,
    decoded: OnceLock<Decoded>,
}

impl RecordedEvent {
    /// The event as recorded at `position`. For stores.
    pub fn new(event: NewEvent, position: Position) -> Self {
        let NewEvent {
            mut metadata,
            payload,
            read_back,
        } = event;
        metadata.position = position;
        Self(Arc::new(Inner {
            metadata,
            payload,
            read_back,
            decoded: OnceLock::new(),
        }))
    }

    /// The metadata of the event.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The event's position in its log.
    pub fn position(&self) -> Position {
        self.0.metadata.position
    }

    /// The subject of the event's first stream.
    pub fn subject(&self) -> &Subject {
        self.0.metadata.subject()
    }

    /// The name that the event is recorded under.
    pub fn event_type(&self) -> &str {
        &self.0.metadata.event_type
    }

    /// The encoded event.
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// The decoded event, if it was decoded to this type before.
    pub(crate) fn decoded<E: Any>(&self) -> Option<&E> {
        let known = [self.0.read_back.as_ref(), self.0.decoded.get()];
        known
            .into_iter()
            .flatten()
            .find_map(|any| any.downcast_ref())
    }

    /// Keeps the decoded event for the next reader; `None` if one of another type is kept already.
    pub(crate) fn keep<E: Any + Send + Sync>(&self, decoded: E) -> Option<&E> {
        self.0
            .decoded
            .get_or_init(|| Arc::new(decoded))
            .downcast_ref()
    }

    /// The error that this event cannot be read, and why.
    pub fn decode_error(&self, reason: DecodeReason) -> DecodeError {
        DecodeError {
            position: self.position(),
            subject: self.subject().clone(),
            event_type: self.0.metadata.event_type.clone(),
            reason,
        }
    }
}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedEvent")
            .field("metadata", &self.0.metadata)
            .field("payload", &self.0.payload)
            .finish()
    }
}

/// A recorded event that this program cannot read.
///
/// Nothing skips such an event, because a fold without it would be wrong. Every reader stops there and reports it.
#[derive(Debug, thiserror::Error)]
#[error("the event `{event_type}` at position {position} on `{subject}` cannot be read: {reason}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The event's position in its log.
    pub position: Position,
    /// The event's subject.
    pub subject: Subject,
    /// The type that the event is recorded under.
    pub event_type: Arc<str>,
    /// Why.
    #[source]
    pub reason: DecodeReason,
}

impl DecodeError {
    /// Where the event stands, and why it cannot be read.
    pub fn new(
        position: Position,
        subject: Subject,
        event_type: impl Into<Arc<str>>,
        reason: DecodeReason,
    ) -> Self {
        Self {
            position,
            subject,
            event_type: event_type.into(),
            reason,
        }
    }
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeReason {
    /// The event has another type than the one asked for.
    #[error("it is not a `{expected}`")]
    OtherType {
        /// The type asked for.
        expected: &'static str,
    },
    /// No event of the model has this type. A newer program wrote the event, or the type was renamed.
    #[error(
        "no event of this model has this type; add it to a slice, or deploy the program that knows it"
    )]
    UnknownType,
    /// A newer program wrote the event.
    #[error("it has version {found}, this program knows up to {known}: deploy the newer program")]
    NewerVersion {
        /// The version of the event.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The payload has another format.
    #[error("its content type is `{found}`, not `{expected}`")]
    ContentType {
        /// The content type of the payload.
        found: Arc<str>,
        /// The content type that the event's codec reads.
        expected: &'static str,
    },
    /// The payload does not decode to the type.
    #[error("its payload does not decode: {0}")]
    Payload(#[source] CodecError),
    /// The headers are not the envelope of an event.
    #[error("its headers are not an envelope: {0}")]
    Envelope(#[source] super::cloudevents::EnvelopeError),
    /// Two Rust types claim this event type.
    #[error("two Rust types have this event type, one of them is `{expected}`: rename one")]
    TwoTypes {
        /// The type asked for.
        expected: &'static str,
    },
}
