//! An item waiting for its turn: an event, or the location of one that cannot be decoded.

use std::sync::Arc;

use crate::record::{DecodeError, Position, RecordedEvent, Subject};

pub(super) enum Item {
    Event(RecordedEvent),
    Unreadable(Arc<DecodeError>),
}

impl Item {
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Event(event) => event.position(),
            Self::Unreadable(error) => error.position,
        }
    }

    pub(super) fn subject(&self) -> &Subject {
        match self {
            Self::Event(event) => event.subject(),
            Self::Unreadable(error) => &error.subject,
        }
    }

    pub(super) fn event_type(&self) -> &Arc<str> {
        match self {
            Self::Event(event) => &event.metadata().event_type,
            Self::Unreadable(error) => &error.event_type,
        }
    }
}
