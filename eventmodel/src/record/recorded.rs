//! An event before and after it is recorded.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::codec::CodecError;
use super::metadata::Metadata;
use super::position::Position;
use super::subject::Subject;

/// An event as it was read back, without its type.
pub(crate) type Decoded = Arc<dyn Any + Send + Sync>;

/// An event on its way to a store.
#[derive(Clone)]
pub struct NewEvent {
    /// All that is known of it; its position is still [`Position::START`].
    pub metadata: Metadata,
    /// The encoded event.
    pub payload: Bytes,
    read_back: Option<Decoded>,
}

impl NewEvent {
    /// An event that was written as `payload`, by its codec.
    pub fn new(metadata: Metadata, payload: Bytes) -> Self {
        Self {
            metadata,
            payload,
            read_back: None,
        }
    }

    /// The same, with what its payload was read back as: who folds it need not decode it.
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
    /// What this process read back before it was appended.
    read_back: Option<Decoded>,
    decoded: OnceLock<Decoded>,
}

impl RecordedEvent {
    /// The event, recorded at `position`. For stores.
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

    /// All that is known of it.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Where it stands in its log.
    pub fn position(&self) -> Position {
        self.0.metadata.position
    }

    /// The subject of its first stream.
    pub fn subject(&self) -> &Subject {
        self.0.metadata.subject()
    }

    /// The name it is recorded under.
    pub fn event_type(&self) -> &str {
        &self.0.metadata.event_type
    }

    /// The encoded event.
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// The event as the type that somebody has decoded it to before, if that was this one.
    pub(crate) fn decoded<E: Any>(&self) -> Option<&E> {
        let known = [self.0.read_back.as_ref(), self.0.decoded.get()];
        known
            .into_iter()
            .flatten()
            .find_map(|any| any.downcast_ref())
    }

    /// Keeps what it was decoded to, for whoever asks next; `None` if another type is kept already.
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
/// It is never skipped: what reads it stops there and says so, because a fold without it would be wrong.
#[derive(Debug, thiserror::Error)]
#[error("the event `{event_type}` at position {position} on `{subject}` cannot be read: {reason}")]
pub struct DecodeError {
    /// Where it stands in its log.
    pub position: Position,
    /// Its subject.
    pub subject: Subject,
    /// The type it is recorded under.
    pub event_type: Arc<str>,
    /// Why.
    #[source]
    pub reason: DecodeReason,
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeReason {
    /// It is of another type than the one asked for.
    #[error("it is not a `{expected}`")]
    OtherType {
        /// The type asked for.
        expected: &'static str,
    },
    /// No event of the model has its type. A newer program wrote it, or it was renamed.
    #[error(
        "no event of this model has this type; add it to a slice, or deploy the program that knows it"
    )]
    UnknownType,
    /// A newer program wrote it.
    #[error("it has version {found}, this program knows up to {known}: deploy the newer program")]
    NewerVersion {
        /// Its version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// It is written in another format.
    #[error("its content type is `{found}`, not `{expected}`")]
    ContentType {
        /// Its content type.
        found: Arc<str>,
        /// That of the event's codec.
        expected: &'static str,
    },
    /// The payload is not what the type says.
    #[error("its payload does not decode: {0}")]
    Payload(#[source] CodecError),
    /// Its headers are not the envelope of an event.
    #[error("its headers are not an envelope: {0}")]
    Envelope(#[source] super::cloudevents::EnvelopeError),
    /// Two Rust types claim this event type.
    #[error("two Rust types have this event type, one of them is `{expected}`: rename one")]
    TwoTypes {
        /// The type asked for.
        expected: &'static str,
    },
}
