//! An event as a message of a JetStream stream, and back.
//!
//! An event is a message on the subject of its first stream, with copies on the subjects of its other streams. A guard
//! on an instance without a new event travels on a message of its own. Both stand directly behind an event, and say by
//! how much.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message};
use bytes::Bytes;
use eventmodel::record::cloudevents::{self, EnvelopeError};
use eventmodel::record::{DecodeError, DecodeReason, NewEvent, Subject};
use eventmodel::store::Item;
use eventmodel::{EventId, Position, RecordedEvent};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::history::History;
use crate::connect::connection::Failure;
use crate::connect::direct_get::{number, text};
use crate::connect::jetstream::{EXPECTED, EXPECTED_SUBJECT, MESSAGE_ID};

/// This message is no event of its own: its event stands this many sequences before it.
pub(crate) const BEHIND: &str = "Eventmodel-Behind";
/// The earlier sequences on its subject.
pub(crate) const HISTORY: &str = "Eventmodel-History";

/// What a header of NATS cannot hold, or what would make two ids look alike.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// A message as it stands in a JetStream stream.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) subject: Subject,
    pub(crate) sequence: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// Distinguishes two messages that stood at the same sequence, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity(u64);

impl Identity {
    /// The identity of an event; its copies have other ids.
    pub(crate) fn new(id: &str, time: Option<Timestamp>) -> Self {
        let mut hasher = DefaultHasher::new();
        (id, time).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    /// A copy of the event this many sequences before it.
    Copy(u64),
    /// No event; the previous event is this many sequences before it.
    Guard(u64),
}

impl Kind {
    /// The position of the event that a message at this sequence is or follows.
    pub(crate) fn position(self, sequence: u64) -> Position {
        Position::new(match self {
            Self::Event => sequence,
            Self::Copy(behind) | Self::Guard(behind) => sequence - behind,
        })
    }
}

/// The headers of an event, to which a copy adds its own.
pub(crate) fn headers_of(event: &NewEvent) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in cloudevents::to_headers(&event.metadata) {
        headers.insert(HeaderName::from_static(name), value);
    }
    headers
}

/// The `Nats-Msg-Id` of an event. An event id ends with its number, so `copy_id` never gives that of another event.
pub(crate) fn message_id(event: &EventId) -> String {
    Cow::from(utf8_percent_encode(event.as_str(), ENCODED)).into_owned()
}

/// The `Nats-Msg-Id` of the `n`th copy of an event.
pub(crate) fn copy_id(event: &EventId, n: usize) -> String {
    format!("{}#{n}", message_id(event))
}

impl Stored {
    pub(crate) fn new(
        subject: &str,
        sequence: u64,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Self, Failure> {
        let subject = Subject::new(subject).map_err(|error| Failure::Odd(error.to_string()))?;
        Ok(Self {
            subject,
            sequence,
            headers,
            payload,
        })
    }

    /// The message in the answer to a direct get (ADR-31).
    pub(crate) fn of_answer(answer: Message) -> Result<Self, Failure> {
        let headers = answer.headers.unwrap_or_default();
        let sequence = number(&headers, "Nats-Sequence")?;
        let subject = text(&headers, "Nats-Subject")?.to_owned();
        Self::new(&subject, sequence, headers, answer.payload)
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        let name = HeaderName::from_static(name);
        self.headers.get(name).map(HeaderValue::as_str)
    }

    pub(crate) fn kind(&self) -> Result<Kind, Arc<DecodeError>> {
        let Some(behind) = self.header(BEHIND) else {
            return Ok(Kind::Event);
        };
        let number = behind.parse().ok().filter(|behind| *behind < self.sequence);
        let number = number.ok_or_else(|| {
            self.undecodable(EnvelopeError::Malformed {
                header: BEHIND,
                value: behind.to_owned(),
                reason: "it must be the distance to an earlier message".into(),
            })
        })?;
        Ok(if self.header("ce-id").is_some() {
            Kind::Copy(number)
        } else {
            Kind::Guard(number)
        })
    }

    /// The position of the last event up to this message. What does not say where it stands lies at its own.
    pub(crate) fn position(&self) -> Position {
        let own = Position::new(self.sequence);
        self.kind().map_or(own, |kind| kind.position(self.sequence))
    }

    /// What lies there.
    pub(crate) fn item(&self) -> Item {
        self.event().map_or_else(Item::Unreadable, Item::Event)
    }

    /// The event, from the event itself or from a copy.
    pub(crate) fn event(&self) -> Result<RecordedEvent, Arc<DecodeError>> {
        let kind = self.kind()?;
        let position = kind.position(self.sequence);
        let headers = self.headers.iter();
        let headers =
            headers.filter_map(|(name, values)| Some((name.as_ref(), values.first()?.as_str())));
        let metadata = cloudevents::from_pairs(position, headers);
        let metadata = metadata.map_err(|error| self.undecodable(error))?;
        let belongs = match kind {
            Kind::Event => metadata.subjects[0] == self.subject,
            _ => metadata.subjects[1..].contains(&self.subject),
        };
        if !belongs {
            return Err(self.undecodable(EnvelopeError::Contradiction {
                first: "ce-subject",
                first_value: metadata.subject().to_string(),
                second: "the subject of the message",
                second_value: self.subject.to_string(),
            }));
        }
        let payload = self.payload.clone();
        Ok(RecordedEvent::new(
            NewEvent::new(metadata, payload),
            position,
        ))
    }

    pub(crate) fn identity(&self) -> Identity {
        let id = self.header(MESSAGE_ID).unwrap_or_default();
        let id = percent_decode_str(id).decode_utf8_lossy();
        let time = self.header("ce-time").and_then(|time| time.parse().ok());
        Identity::new(&id, time)
    }

    /// What this message says about its predecessors on its subject, if that is credible.
    pub(crate) fn history(&self) -> History {
        let text = self.header(HISTORY).unwrap_or_default();
        let history = History::parse(text, self.sequence);
        // The server has tested a guard: it is no hint.
        match (self.header(EXPECTED), self.header(EXPECTED_SUBJECT)) {
            (Some(last), None) => match last.parse() {
                Ok(last) if history.last() != Some(last) => History::only(last),
                _ => history,
            },
            _ => history,
        }
    }

    fn undecodable(&self, error: EnvelopeError) -> Arc<DecodeError> {
        Arc::new(DecodeError::new(
            Position::new(self.sequence),
            self.subject.clone(),
            self.header("ce-type").unwrap_or("?"),
            DecodeReason::Envelope(error),
        ))
    }
}
