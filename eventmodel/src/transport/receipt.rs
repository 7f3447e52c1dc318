//! Receipts and recorded events as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::{Position, Receipt, RecordedEvent, Subject};

/// A receipt, as adapters write it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptBody<'a> {
    command_id: &'a str,
    correlation_id: &'a str,
    log: &'a str,
    position: Position,
    revision: Position,
    already_committed: bool,
    events: Vec<EventBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

/// What was left out of a receipt, as a [`Problem`](super::Problem) says it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Omitted {
    /// The payloads of the events.
    Data {
        items: usize,
    },
    Events {
        items: usize,
    },
}

/// A recorded event, as adapters write it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    version: u32,
    position: Position,
    subject: &'a Subject,
    /// The subjects of all its streams, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<&'a [Subject]>,
    time: Timestamp,
    source: &'a str,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'a str>,
    content_type: &'a str,
    /// The payload, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

impl<'a> ReceiptBody<'a> {
    /// The body for a receipt.
    pub fn of(receipt: &'a Receipt) -> Self {
        Self {
            command_id: receipt.command_id.as_str(),
            correlation_id: &receipt.correlation_id,
            log: &receipt.log,
            position: receipt.position,
            revision: receipt.revision,
            already_committed: receipt.already_committed,
            events: receipt.events.iter().map(EventBody::of).collect(),
            omitted: None,
        }
    }
}

impl ReceiptBody<'_> {
    /// The same without the payloads of the events, for a message that has no room for them. The member `omitted` says
    /// so.
    #[must_use]
    pub fn without_payloads(mut self) -> Self {
        let mut items = 0;
        for event in &mut self.events {
            items += usize::from(event.data.take().is_some());
        }
        self.omitted = Some(Omitted::Data { items });
        self
    }

    /// The same without the events. The member `omitted` says how many there are; they are in the log, up to the
    /// position of the receipt.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        let items = std::mem::take(&mut self.events).len();
        self.omitted = Some(Omitted::Events { items });
        self
    }
}

impl<'a> EventBody<'a> {
    /// The body for an event.
    pub fn of(event: &'a RecordedEvent) -> Self {
        let metadata = event.metadata();
        Self {
            id: metadata.id.as_str(),
            event_type: &metadata.event_type,
            version: metadata.version,
            position: metadata.position,
            subject: metadata.subject(),
            subjects: (metadata.subjects.len() > 1).then_some(&*metadata.subjects),
            time: metadata.time,
            source: &metadata.source,
            correlation_id: &metadata.correlation_id,
            causation_id: metadata.causation_id.as_deref(),
            content_type: &metadata.content_type,
            data: is_json(&metadata.content_type)
                .then(|| serde_json::from_slice(event.payload()).ok())
                .flatten(),
        }
    }
}

/// Whether a media type is JSON, or a format that is written in JSON.
pub fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    // RFC 8259 §8.1: JSON between programs is UTF-8.
    let is_utf_8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, charset)) if name.trim_end().eq_ignore_ascii_case("charset") => {
            let charset = charset.trim().trim_matches('"');
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
        }
        _ => true,
    };
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
        && parts.all(is_utf_8)
}
