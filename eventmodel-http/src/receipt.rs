//! Receipts and recorded events as JSON.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use eventmodel::{AnyView, Position, Receipt, RecordedEvent, Subject};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Http;
use crate::problem::Problem;
use crate::problem::failure::{etag, internal};
use crate::request::body::is_json;
use crate::request::url::Href;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptBody<'a> {
    command_id: &'a str,
    correlation_id: &'a str,
    log: &'a str,
    position: Position,
    revision: Position,
    already_committed: bool,
    events: Vec<EventBody<'a>>,
}

/// A recorded event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    version: u32,
    position: Position,
    subject: &'a Subject,
    /// Of all its streams, if there are several.
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

impl<'a> EventBody<'a> {
    pub(crate) fn of(event: &'a RecordedEvent) -> Self {
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

/// 201 with the receipt; 200 if nothing was recorded, because nothing had to be.
pub(crate) fn answer(receipt: &Receipt) -> Result<Response, Problem> {
    let body = ReceiptBody {
        command_id: receipt.command_id.as_str(),
        correlation_id: &receipt.correlation_id,
        log: &receipt.log,
        position: receipt.position,
        revision: receipt.revision,
        already_committed: receipt.already_committed,
        events: receipt.events.iter().map(EventBody::of).collect(),
    };
    let status = if receipt.events.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = json(status, &body)?;
    response.headers_mut().insert(ETAG, etag(receipt.revision));
    Ok(response)
}

/// Where to see what was recorded: the first view of the story that shows it, not before it does.
pub(crate) fn location(http: &Http, mount: &str, receipt: &Receipt) -> Option<HeaderValue> {
    let shown = |view: &AnyView| {
        let mut keys = receipt.events.iter().map(|event| view.key_of(event));
        // An event that a view cannot read stops the view; it is no reason to withhold the receipt.
        keys.find_map(|key| AnyView::parts(&key.ok()??).ok())
    };
    let (address, parts) = http
        .views
        .iter()
        .find_map(|(address, view)| Some((address, shown(view)?)))?;
    let href = Href::view(mount, address, parts.iter().map(String::as_str))
        .param("after", &receipt.position.to_string())
        .param("log", &receipt.log);
    HeaderValue::from_str(&href.into_string()).ok()
}

/// JSON that is as fresh as the moment.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| internal(&error, "writing JSON"))?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((status, headers, body).into_response())
}
