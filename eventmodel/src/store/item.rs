//! What lies at a position of a log.

use std::sync::Arc;

use super::StoreError;
use crate::record::{DecodeError, Position, RecordedEvent, Subject};

/// What lies at a position of a log: an event, or what cannot be read as one.
///
/// Whoever reads a log gets both in their order, and decides what it costs to lack an event. What is decided on
/// events alone asks for [`event`](Self::event).
#[derive(Clone, Debug)]
pub enum Item {
    /// An event.
    Event(RecordedEvent),
    /// What cannot be read, by its place and the reason.
    Unreadable(Arc<DecodeError>),
}

impl Item {
    /// Where it lies.
    pub fn position(&self) -> Position {
        match self {
            Self::Event(event) => event.position(),
            Self::Unreadable(error) => error.position,
        }
    }

    /// The stream instance that it lies on; the first one of an event of several.
    pub fn subject(&self) -> &Subject {
        match self {
            Self::Event(event) => event.subject(),
            Self::Unreadable(error) => &error.subject,
        }
    }

    /// The type that it is recorded under.
    pub fn event_type(&self) -> &Arc<str> {
        match self {
            Self::Event(event) => &event.metadata().event_type,
            Self::Unreadable(error) => &error.event_type,
        }
    }

    /// The event.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if it cannot be read.
    pub fn event(self) -> Result<RecordedEvent, StoreError> {
        match self {
            Self::Event(event) => Ok(event),
            Self::Unreadable(error) => Err(error.into()),
        }
    }
}

impl From<RecordedEvent> for Item {
    fn from(event: RecordedEvent) -> Self {
        Self::Event(event)
    }
}
