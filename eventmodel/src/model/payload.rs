//! The payload of an event: writing it, proving that it reads back, and reading it.
//!
//! A log is read for as long as it exists, so nothing may be stored that would read as something else, or not at all.
//! Before the bytes of an event are stored, the event is decoded from these very bytes.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::event::Event;
use super::validation::json_pointer;
use crate::record::{
    Codec, CodecError, DecodeError, DecodeReason, Decoded, Metadata, RecordedEvent, Subject,
    canonical,
};

/// The payload of an event, which reads as that event.
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    pub(crate) decoded: Decoded,
}

impl Payload {
    /// Writes an event that is to be stored on these subjects, and reads it back.
    pub(crate) fn of<E: Event>(event: &E, subjects: &[Subject]) -> Result<Self, EncodeError> {
        let bytes = E::Codec::encode(event).map_err(EncodeError::Written)?;
        let decoded: E = E::Codec::decode(&bytes).map_err(EncodeError::Read)?;
        if !is_same(event, &decoded)? {
            return Err(EncodeError::Changed {
                pointer: changed(&bytes, &decoded),
            });
        }
        if !event.__has_same_keys(&decoded) {
            let read = decoded.subjects();
            if !read.as_ref().is_ok_and(|read| **read == *subjects) {
                return Err(EncodeError::Moved {
                    stored: listed(subjects),
                    read: read.map_or_else(|error| error.to_string(), |read| listed(&read)),
                });
            }
        }
        Ok(Self {
            bytes,
            decoded: Arc::new(decoded),
        })
    }
}

impl RecordedEvent {
    /// Whether it is an `E`.
    pub fn is<E: Event>(&self) -> bool {
        self.event_type() == E::INFO.event_type
    }

    /// The event as an `E`. It is decoded once, whoever asks.
    ///
    /// # Errors
    /// [`DecodeError`] if it is of another type, of a version that this program does not know yet, of another
    /// content type, or does not decode.
    pub fn decode<E: Event>(&self) -> Result<&E, DecodeError> {
        if let Some(event) = self.decoded() {
            return Ok(event);
        }
        let decoded = decode_payload::<E>(self.metadata(), self.payload())
            .map_err(|reason| self.decode_error(reason))?;
        self.keep(decoded).ok_or_else(|| {
            self.decode_error(DecodeReason::TwoTypes {
                expected: std::any::type_name::<E>(),
            })
        })
    }
}

fn decode_payload<E: Event>(metadata: &Metadata, payload: &[u8]) -> Result<E, DecodeReason> {
    let info = E::INFO;
    if *metadata.event_type != *info.event_type {
        return Err(DecodeReason::OtherType {
            expected: info.event_type,
        });
    }
    if metadata.version > info.version {
        return Err(DecodeReason::NewerVersion {
            found: metadata.version,
            known: info.version,
        });
    }
    if *metadata.content_type != *<E::Codec as Codec>::CONTENT_TYPE {
        return Err(DecodeReason::ContentType {
            found: metadata.content_type.clone(),
            expected: <E::Codec as Codec>::CONTENT_TYPE,
        });
    }
    E::Codec::decode(payload).map_err(DecodeReason::Payload)
}

/// Whether two events are the same, by `PartialEq` if the type has it, otherwise by what serde writes of them,
/// regardless of the order of sets and maps. The bytes of the codec do not tell: JSON has one `null` for `NaN` and for
/// `None`.
fn is_same<E: Event>(event: &E, other: &E) -> Result<bool, EncodeError> {
    match event.__equals(other) {
        Some(true) => return Ok(true),
        // A value with a `NaN` does not even equal itself.
        Some(false) if event.__equals(event) == Some(true) => return Ok(false),
        _ => {}
    }
    Ok(unordered(event)? == unordered(other)?)
}

/// Whether two events would be recorded as the same one.
#[cfg(feature = "testing")]
pub(crate) fn are_same<E: Event>(a: &Decoded, b: &Decoded) -> bool {
    let pair = a.downcast_ref::<E>().zip(b.downcast_ref::<E>());
    pair.is_some_and(|(a, b)| is_same(a, b).is_ok_and(|same| same))
}

fn unordered<E: Event>(event: &E) -> Result<Vec<u8>, EncodeError> {
    canonical::unordered(event).map_err(|error| EncodeError::Written(CodecError::new(error)))
}

/// The first place where the payload differs from what the decoded event would be written as, if both are JSON.
fn changed<E: Event>(written: &[u8], decoded: &E) -> Option<String> {
    let again = E::Codec::encode(decoded).ok()?;
    let (written, again) = (json(written)?, json(&again)?);
    first_difference(&written, &again)
}

fn json(payload: &[u8]) -> Option<Value> {
    serde_json::from_slice(payload).ok()
}

/// A JSON Pointer (RFC 6901) to the first value that differs.
fn first_difference(a: &Value, b: &Value) -> Option<String> {
    let mut path = Vec::new();
    differ(a, b, &mut path).then(|| json_pointer(&path))
}

/// Whether the values differ. If so, `path` leads to the first difference.
fn differ(a: &Value, b: &Value, path: &mut Vec<String>) -> bool {
    if a == b {
        return false;
    }
    let mut below = |token: String, a: Option<&Value>, b: Option<&Value>| {
        path.push(token);
        let differs = match (a, b) {
            (Some(a), Some(b)) => differ(a, b, path),
            (a, b) => a.is_some() != b.is_some(),
        };
        if !differs {
            path.pop();
        }
        differs
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names = a.keys().chain(b.keys());
            names.any(|name| below(name.clone(), a.get(name), b.get(name)));
        }
        (Value::Array(a), Value::Array(b)) => {
            let mut indices = 0..a.len().max(b.len());
            indices.any(|i| below(i.to_string(), a.get(i), b.get(i)));
        }
        _ => {}
    }
    true
}

fn listed(subjects: &[Subject]) -> String {
    let quoted = subjects.iter().map(|subject| format!("`{subject}`"));
    quoted.collect::<Vec<_>>().join(", ")
}

/// Why an event cannot be stored: what would be stored is not what was emitted. Nothing was stored. A mistake in how
/// its type is written and read; mend its `Serialize` and `Deserialize`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event cannot be written: for example, a map whose keys are no texts, in JSON.
    #[error("it cannot be written: {0}")]
    Written(#[source] CodecError),
    /// The payload cannot be read: for example, a `NaN`, which JSON writes as `null`, or a field that `Serialize` skips
    /// and `Deserialize` needs.
    #[error("what is written of it cannot be read back: {0}")]
    Read(#[source] CodecError),
    /// The payload reads as another event.
    #[error("read back it is another event{}", match pointer {
        Some(pointer) if !pointer.is_empty() => format!(": `{pointer}` has another value"),
        Some(_) => String::new(),
        None => ": a field is not written, or not wholly (`#[serde(skip)]`, a time cut to milliseconds)".into(),
    })]
    Changed {
        /// A JSON Pointer (RFC 6901) into the payload to the first value that changed; `None` if the payload does
        /// not show it.
        pointer: Option<String>,
    },
    /// The payload reads as an event of other stream instances: a field of the key was lost on the way.
    #[error(
        "read back it belongs to {read}, not to {stored}: a field of the key is lost on the way"
    )]
    Moved {
        /// The subjects that it would be stored on.
        stored: String,
        /// The subjects of the event that is read.
        read: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_found_by_its_pointer() {
        let differ = |a: Value, b: Value| first_difference(&a, &b);
        assert_eq!(differ(json!({"a": 1}), json!({"a": 1})), None);
        assert_eq!(differ(json!(1), json!(2)).as_deref(), Some(""));
        let at = differ(json!({"a": {"b": [1, 2]}}), json!({"a": {"b": [1, 3]}}));
        assert_eq!(at.as_deref(), Some("/a/b/1"));
        assert_eq!(differ(json!({"a": 1}), json!({})).as_deref(), Some("/a"));
        assert_eq!(differ(json!([]), json!([1])).as_deref(), Some("/0"));
        let at = differ(json!({"a/b~": 1}), json!({"a/b~": 2}));
        assert_eq!(at.as_deref(), Some("/a~1b~0"));
    }
}
