//! The envelope of an event on a wire with headers: CloudEvents 1.0 in binary mode.
//!
//! Attributes are headers named `ce-…`, percent-encoded as the HTTP binding says (1.0.2, section 3.1.3.2), which the
//! NATS binding follows. Attributes that the specification does not have are extensions, with names that it allows.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::id::{CommandId, EventId};
use super::metadata::{CommandRef, Metadata};
use super::position::Position;
use super::subject::Subject;

/// Space, double quote, percent. `utf8_percent_encode` adds everything outside ASCII; `CONTROLS` has what is not
/// printable.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

const SPEC_VERSION: &str = "1.0";

/// The metadata of an event as headers, names in lower case but for `Content-Type`.
///
/// ```
/// # use eventmodel::record::cloudevents;
/// # fn show(metadata: &eventmodel::Metadata) {
/// for (name, value) in cloudevents::to_headers(metadata) {
///     println!("{name}: {value}");
/// }
/// # }
/// ```
pub fn to_headers(metadata: &Metadata) -> Vec<(&'static str, String)> {
    let command = &metadata.command;
    let mut headers = vec![
        ("ce-specversion", SPEC_VERSION.to_owned()),
        ("ce-id", text(metadata.id.as_str())),
        ("ce-source", text(&metadata.source)),
        ("ce-type", text(&metadata.event_type)),
        ("ce-time", metadata.time.to_string()),
        ("ce-subject", text(metadata.subject().as_str())),
        ("ce-datacontenttype", text(&metadata.content_type)),
        // Not encoded, because software that knows no CloudEvents reads it, too.
        ("Content-Type", metadata.content_type.to_string()),
        ("ce-dataversion", metadata.version.to_string()),
        ("ce-correlationid", text(&metadata.correlation_id)),
        ("ce-commandname", text(&command.name)),
        ("ce-commandevents", command.events.to_string()),
    ];
    if let [_, _, ..] = &*metadata.subjects {
        let subjects: Vec<&str> = metadata.subjects.iter().map(Subject::as_str).collect();
        headers.push(("ce-subjects", text(&subjects.join(" "))));
    }
    if let Some(id) = &metadata.causation_id {
        headers.push(("ce-causationid", text(id)));
    }
    if let Some(traceparent) = &metadata.traceparent {
        headers.push(("ce-traceparent", text(traceparent)));
    }
    if let Some(fingerprint) = command.fingerprint {
        headers.push(("ce-commandhash", format!("{fingerprint:016x}")));
    }
    headers
}

/// As it stands in a header.
fn text(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%');
    // Most texts are plain. To look at all their bytes is quicker than to look for the first that is not.
    if value.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        return value.to_owned();
    }
    utf8_percent_encode(value, ENCODED).collect()
}

/// Reads the metadata of the event at `position` of its log. `header` gives the value of a header by its name in lower
/// case.
///
/// # Errors
/// [`EnvelopeError`] if an attribute is missing, malformed, or contradicts another one.
pub fn from_headers<'a>(
    position: Position,
    header: impl Fn(&str) -> Option<&'a str>,
) -> Result<Metadata, EnvelopeError> {
    metadata(position, &Headers(Header::NAMES.map(header)))
}

/// The same, from all headers of a message, in any order: names in lower case but for `Content-Type`, each once.
/// Headers that are not of the envelope are passed over.
///
/// # Errors
/// As [`from_headers`].
pub fn from_pairs<'a>(
    position: Position,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Metadata, EnvelopeError> {
    let mut headers = Headers::default();
    for (name, value) in pairs {
        if let Some(header) = Header::NAMES.iter().position(|known| *known == name) {
            headers.0[header].get_or_insert(value);
        } else if name == "Content-Type" {
            headers.0[Header::ContentType as usize] = Some(value);
        }
    }
    metadata(position, &headers)
}

fn metadata(position: Position, headers: &Headers<'_>) -> Result<Metadata, EnvelopeError> {
    let version = headers.required_text(Header::SpecVersion)?;
    if version != SPEC_VERSION {
        return Err(malformed(
            "ce-specversion",
            &version,
            "only 1.0 is understood",
        ));
    }
    let id = EventId::new(&headers.required_text(Header::Id)?);
    let (command_id, n) = id
        .split()
        .ok_or_else(|| malformed("ce-id", id.as_str(), "it must be `<command id>/<number>`"))?;
    let command = CommandRef {
        id: CommandId::new(command_id).map_err(|e| malformed("ce-id", command_id, e))?,
        name: headers.text(Header::CommandName)?,
        fingerprint: headers.fingerprint()?,
        events: headers.required(Header::CommandEvents)?,
    };
    if n >= command.events as usize {
        return Err(EnvelopeError::Contradiction {
            first: "ce-id",
            first_value: id.to_string(),
            second: "ce-commandevents",
            second_value: command.events.to_string(),
        });
    }
    Ok(Metadata {
        position,
        subjects: headers.subjects()?,
        event_type: headers.text(Header::Type)?,
        version: headers.required(Header::DataVersion)?,
        time: headers.required(Header::Time)?,
        source: headers.text(Header::Source)?,
        content_type: headers.content_type()?,
        correlation_id: headers.text(Header::CorrelationId)?,
        causation_id: headers.get(Header::CausationId)?.map(Arc::from),
        traceparent: headers.get(Header::TraceParent)?.map(Arc::from),
        command,
        id,
    })
}

/// Headers that are not the envelope of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// A header is missing.
    #[error("the header `{header}` is missing")]
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// A header has an invalid value.
    #[error("the header `{header}` cannot be `{value}`: {reason}")]
    Malformed {
        /// Its name.
        header: &'static str,
        /// Its value.
        value: String,
        /// Why.
        reason: String,
    },
    /// Two headers do not agree.
    #[error("the header `{first}` is `{first_value}`, and `{second}` is `{second_value}`")]
    Contradiction {
        /// The name of one.
        first: &'static str,
        /// Its value.
        first_value: String,
        /// The name of the other one.
        second: &'static str,
        /// Its value.
        second_value: String,
    },
}

fn malformed(header: &'static str, value: &str, reason: impl Display) -> EnvelopeError {
    EnvelopeError::Malformed {
        header,
        value: value.to_owned(),
        reason: reason.to_string(),
    }
}

/// The content of a quoted string, RFC 9110, section 5.6.4.
fn unescape(quoted: &str) -> String {
    let mut chars = quoted.chars();
    std::iter::from_fn(|| match chars.next()? {
        '\\' => chars.next(),
        other => Some(other),
    })
    .collect()
}

/// A header of an envelope.
#[derive(Clone, Copy)]
enum Header {
    SpecVersion,
    Id,
    Source,
    Type,
    Time,
    Subject,
    Subjects,
    DataContentType,
    ContentType,
    DataVersion,
    CorrelationId,
    CausationId,
    TraceParent,
    CommandName,
    CommandEvents,
    CommandHash,
}

impl Header {
    /// In the order of the variants.
    const NAMES: [&str; 16] = [
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-time",
        "ce-subject",
        "ce-subjects",
        "ce-datacontenttype",
        "content-type",
        "ce-dataversion",
        "ce-correlationid",
        "ce-causationid",
        "ce-traceparent",
        "ce-commandname",
        "ce-commandevents",
        "ce-commandhash",
    ];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// The values of an envelope's headers.
#[derive(Default)]
struct Headers<'a>([Option<&'a str>; Header::NAMES.len()]);

impl<'a> Headers<'a> {
    fn raw(&self, header: Header) -> Option<&'a str> {
        self.0[header as usize]
    }

    fn get(&self, header: Header) -> Result<Option<Cow<'a, str>>, EnvelopeError> {
        let Some(value) = self.raw(header) else {
            return Ok(None);
        };
        // Older senders quoted a value instead of encoding it.
        let unquoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let value = unquoted.map_or(Cow::Borrowed(value), |quoted| unescape(quoted).into());
        // Most values are plain.
        if !value.as_bytes().contains(&b'%') {
            return Ok(Some(value));
        }
        let text = percent_decode_str(&value).decode_utf8();
        let text = text.map_err(|e| malformed(header.name(), &value, e))?;
        Ok(Some(Cow::Owned(text.into_owned())))
    }

    fn required_text(&self, header: Header) -> Result<Cow<'a, str>, EnvelopeError> {
        self.get(header)?.ok_or(EnvelopeError::Missing {
            header: header.name(),
        })
    }

    fn required<T: FromStr<Err: Display>>(&self, header: Header) -> Result<T, EnvelopeError> {
        let value = self.required_text(header)?;
        value
            .parse()
            .map_err(|e| malformed(header.name(), &value, e))
    }

    fn text(&self, header: Header) -> Result<Arc<str>, EnvelopeError> {
        self.required_text(header).map(Arc::from)
    }

    fn fingerprint(&self) -> Result<Option<u64>, EnvelopeError> {
        let header = Header::CommandHash;
        let parse = |hex: Cow<'a, str>| {
            u64::from_str_radix(&hex, 16).map_err(|e| malformed(header.name(), &hex, e))
        };
        self.get(header)?.map(parse).transpose()
    }

    fn subjects(&self) -> Result<Arc<[Subject]>, EnvelopeError> {
        let subject = |header: Header, text: &str| {
            Subject::new(text).map_err(|e| malformed(header.name(), text, e))
        };
        let first = self.required_text(Header::Subject)?;
        let Some(all) = self.get(Header::Subjects)? else {
            return Ok([subject(Header::Subject, &first)?].into());
        };
        let subjects = all.split(' ').map(|text| subject(Header::Subjects, text));
        let subjects: Arc<[Subject]> = subjects.collect::<Result<_, _>>()?;
        if subjects[0].as_str() != first {
            return Err(EnvelopeError::Contradiction {
                first: "ce-subject",
                first_value: first.into_owned(),
                second: "ce-subjects",
                second_value: all.into_owned(),
            });
        }
        Ok(subjects)
    }

    /// Reads both spellings; one of them is enough.
    fn content_type(&self) -> Result<Arc<str>, EnvelopeError> {
        let (attribute, plain) = (
            self.get(Header::DataContentType)?,
            self.raw(Header::ContentType),
        );
        match (attribute, plain) {
            (Some(attribute), Some(plain)) if *attribute != *plain => {
                Err(EnvelopeError::Contradiction {
                    first: "ce-datacontenttype",
                    first_value: attribute.into_owned(),
                    second: "Content-Type",
                    second_value: plain.to_owned(),
                })
            }
            (Some(attribute), _) => Ok(attribute.into()),
            (None, Some(plain)) => Ok(plain.into()),
            (None, None) => Err(EnvelopeError::Missing {
                header: "ce-datacontenttype",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            position: Position::new(7),
            subjects: ["a.x%2Ey", "b.%2E"]
                .map(|text| Subject::new(text).unwrap())
                .into(),
            id: EventId::new("order 42/1"),
            event_type: "RoomBooked".into(),
            version: 2,
            time: "2022-12-12T10:11:12.123456789Z".parse().unwrap(),
            source: "Euro € 😀".into(),
            content_type: "application/json; charset=utf-8".into(),
            correlation_id: "100% \"quoted\"\n".into(),
            causation_id: Some("x/0".into()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            command: CommandRef {
                id: CommandId::new("order 42").unwrap(),
                name: "BookRoom".into(),
                fingerprint: Some(0xABC),
                events: 2,
            },
        }
    }

    fn headers(metadata: &Metadata) -> HashMap<String, String> {
        to_headers(metadata)
            .into_iter()
            .map(|(k, v)| (k.to_lowercase(), v))
            .collect()
    }

    fn read(headers: &HashMap<String, String>) -> Result<Metadata, EnvelopeError> {
        let position = Position::new(7);
        let by_name = from_headers(position, |name| headers.get(name).map(String::as_str));
        let pairs = headers.iter().map(|(name, value)| (&**name, &**value));
        assert_eq!(from_pairs(position, pairs), by_name);
        by_name
    }

    #[test]
    fn metadata_reads_back_from_its_headers() {
        let full = metadata();
        assert_eq!(read(&headers(&full)).unwrap(), full);
        let bare = Metadata {
            subjects: [full.subject().clone()].into(),
            causation_id: None,
            traceparent: None,
            command: CommandRef {
                fingerprint: None,
                ..full.command.clone()
            },
            ..full
        };
        assert_eq!(read(&headers(&bare)).unwrap(), bare);
    }

    #[test]
    fn headers_are_read_as_they_are_written_among_others() {
        let written = to_headers(&metadata());
        let written = written.iter().map(|(name, value)| (*name, &**value));
        // `Content-Type` alone says as much.
        let written = written.filter(|(name, _)| *name != "ce-datacontenttype");
        let others = [("Nats-Msg-Id", "x"), ("CE-ID", "other"), ("", "")];
        let read = from_pairs(Position::new(7), written.rev().chain(others));
        assert_eq!(read.unwrap(), metadata());
    }

    #[test]
    fn values_are_encoded_as_the_example_of_the_specification() {
        assert_eq!(
            headers(&metadata())["ce-source"],
            "Euro%20%E2%82%AC%20%F0%9F%98%80"
        );
        for value in headers(&metadata()).values() {
            assert!(value.bytes().all(|b| (0x20..0x7F).contains(&b)), "{value}");
        }
    }

    #[test]
    fn what_the_specification_says_must_be_read_is_read() {
        for (written, meant) in [
            ("Euro%20%e2%82%ac", "Euro €"),
            ("%41", "A"),
            (r#""a \"b\\" %25""#, r#"a "b\" %"#),
        ] {
            let mut headers = headers(&metadata());
            headers.insert("ce-source".into(), written.into());
            assert_eq!(&*read(&headers).unwrap().source, meant);
        }
        let mut overlong = headers(&metadata());
        overlong.insert("ce-source".into(), "%C0%A0".into());
        assert!(matches!(
            read(&overlong),
            Err(EnvelopeError::Malformed {
                header: "ce-source",
                ..
            })
        ));
    }

    #[test]
    fn one_spelling_of_the_content_type_is_enough_and_two_must_agree() {
        for name in ["ce-datacontenttype", "content-type"] {
            let mut headers = headers(&metadata());
            headers.remove(name);
            assert_eq!(read(&headers).unwrap(), metadata());
        }
        let mut lying = headers(&metadata());
        lying.insert("content-type".into(), "text/plain".into());
        assert!(matches!(
            read(&lying),
            Err(EnvelopeError::Contradiction { .. })
        ));
    }

    #[test]
    fn a_header_that_is_missing_or_lies_is_named() {
        for required in [
            "ce-specversion",
            "ce-id",
            "ce-type",
            "ce-time",
            "ce-subject",
            "ce-source",
        ] {
            let mut headers = headers(&metadata());
            headers.remove(required);
            assert_eq!(
                read(&headers),
                Err(EnvelopeError::Missing { header: required })
            );
        }
        for (name, value) in [
            ("ce-specversion", "0.3"),
            ("ce-id", "no-number"),
            ("ce-id", "order%2042/9"),
            ("ce-time", "yesterday"),
            ("ce-subject", "a.*"),
            ("ce-subject", "other.1"),
            ("ce-dataversion", "-1"),
            ("ce-commandhash", "xyz"),
        ] {
            let mut headers = headers(&metadata());
            headers.insert(name.into(), value.into());
            assert!(read(&headers).is_err(), "{name}: {value}");
        }
    }
}
