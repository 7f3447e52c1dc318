//! How commands ended.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::store::{AuditEntry, AuditQuery, Outcome};
use eventmodel::transport::of_store;
use eventmodel::{CommandId, Position};
use jiff::Timestamp;
use serde::Serialize;

use super::Items;
use crate::Http;
use crate::problem::Problem;
use crate::receipt::json;
use crate::request::url::{Params, bad_parameter};
use crate::views::limit;

/// `GET /audit?command=&id=&correlationId=&since=&limit=`: how commands ended, the newest first.
pub(crate) async fn audit(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let params = Params::of(&request)?;
    let mut query = AuditQuery::new().limit(limit(&params, http.options.page_size)?);
    if let Some(command) = params.one("command")? {
        query = query.command(command);
    }
    if let Some(id) = params.one("id")? {
        let id = CommandId::new(id).map_err(|error| bad_parameter("id", &error.to_string()))?;
        query = query.id(id);
    }
    if let Some(id) = params.one("correlationId")? {
        query = query.correlation_id(id);
    }
    if let Some(since) = params.parsed::<Timestamp>("since", "a time: `2022-12-31T12:00:00Z`")? {
        query = query.since(since);
    }
    let entries = http
        .app
        .audit(&query)
        .await
        .map_err(|error| of_store(&error))?;
    let items = entries.iter().map(AuditBody::of).collect();
    json(StatusCode::OK, &Items { items })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditBody<'a> {
    time: Timestamp,
    command: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<AuditedBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    already_committed: Option<bool>,
    command_id: &'a CommandId,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'a str>,
    source: &'a str,
}

#[derive(Serialize)]
struct AuditedBody<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    position: Position,
}

impl<'a> AuditBody<'a> {
    fn of(entry: &'a AuditEntry) -> Self {
        let mut body = Self {
            time: entry.time,
            command: &entry.command,
            outcome: "other",
            code: None,
            message: None,
            events: None,
            already_committed: None,
            command_id: &entry.id,
            correlation_id: &entry.correlation_id,
            causation_id: entry.causation_id.as_deref(),
            source: &entry.source,
        };
        match &entry.outcome {
            Outcome::Accepted {
                events,
                already_committed,
            } => {
                body.outcome = "accepted";
                let events = events.iter().map(|event| AuditedBody {
                    event_type: &event.event_type,
                    position: event.position,
                });
                body.events = Some(events.collect());
                body.already_committed = Some(*already_committed);
            }
            Outcome::Rejected { code, message } => {
                body.outcome = "rejected";
                (body.code, body.message) = (Some(&**code), Some(&**message));
            }
            Outcome::Conflict => body.outcome = "conflict",
            Outcome::Failed { message } => {
                body.outcome = "failed";
                body.message = Some(message);
            }
            // A way to end that this version does not know.
            _ => {}
        }
        body
    }
}
