//! What only operators may see and do: the audit trail, the recorded events, what automations have set aside.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::{
    AuditEntry, AuditQuery, CommandId, EventQuery, Outcome, Parked, Position, RetryError,
    SubjectPattern,
};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use crate::Http;
use crate::problem::failure::{of_store, shutting_down};
use crate::problem::{Problem, at, kinds, pointer_to};
use crate::receipt::{EventBody, json as answer};
use crate::request::body;
use crate::request::url::{Href, Params, bad_parameter, mount};
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
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    answer(StatusCode::OK, &json!({ "items": entries }))
}

fn entry(entry: &AuditEntry) -> Value {
    let mut value = json!({
        "time": entry.time,
        "command": entry.command,
        "commandId": entry.id,
        "correlationId": entry.correlation_id,
        "causationId": entry.causation_id,
        "source": entry.source,
    });
    let outcome = match &entry.outcome {
        Outcome::Accepted {
            events,
            already_committed,
        } => {
            let event = |event: &eventmodel::AuditedEvent| json!({ "type": event.event_type, "position": event.position });
            value["events"] = events.iter().map(event).collect();
            value["alreadyCommitted"] = (*already_committed).into();
            "accepted"
        }
        Outcome::Rejected { code, message } => {
            value["code"] = (**code).into();
            value["message"] = (**message).into();
            "rejected"
        }
        Outcome::Conflict => "conflict",
        Outcome::Failed { message } => {
            value["message"] = (**message).into();
            "failed"
        }
        _ => "other",
    };
    value["outcome"] = outcome.into();
    value
}

#[derive(Serialize)]
struct EventsBody<'a> {
    items: Vec<EventBody<'a>>,
    /// Where it goes on, if it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /events?log=&subject=&after=&limit=`: what was recorded, in its order.
pub(crate) async fn events(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let params = Params::of(&request)?;
    let limit = limit(&params, http.options.page_size)?;
    let after = params.parsed::<u64>("after", "a position")?.unwrap_or(0);
    let mut query = EventQuery::new().after(Position::new(after)).limit(limit);
    let mut next = Href::at(&mount(&request), "/events").param("limit", &limit.to_string());
    if let Some(log) = params.one("log")? {
        query = query.log(log);
        next = next.param("log", log);
    }
    for subject in params.all("subject") {
        let pattern = SubjectPattern::new(subject)
            .map_err(|error| bad_parameter("subject", &error.to_string()))?;
        query = query.matching(pattern);
        next = next.param("subject", subject);
    }
    let read = http.app.events(query).try_collect::<Vec<_>>();
    let unavailable = |_| {
        Problem::of(kinds::UNAVAILABLE)
            .detail("the log was not read in time")
            .retry_after(1)
    };
    let events = timeout_at(deadline, read)
        .await
        .map_err(unavailable)?
        .map_err(|error| of_store(&error))?;
    // A page that is not full has come to the end of the log; a full one may have, and the next is empty then.
    let last = events.last().filter(|_| events.len() == limit);
    let next = last.map(|last| {
        next.param("after", &last.position().to_string())
            .into_string()
    });
    let items: Vec<EventBody<'_>> = events.iter().map(EventBody::of).collect();
    answer(StatusCode::OK, &EventsBody { items, next })
}

/// `GET /parked`: what automations have set aside, the oldest first.
pub(crate) async fn parked(http: Arc<Http>, _: Request) -> Result<Response, Problem> {
    let parked: Vec<Value> = http.app.parked().iter().map(describe).collect();
    answer(StatusCode::OK, &json!({ "items": parked }))
}

fn describe(parked: &Parked) -> Value {
    json!({
        "automation": parked.automation,
        "log": parked.log,
        "subject": parked.subject,
        "position": parked.position,
        "type": parked.event_type,
        "error": parked.error,
        "attempts": parked.attempts,
        "since": parked.since,
        "waiting": parked.waiting,
    })
}

/// `POST /parked/retry` with `{"automation"?: .., "log"?: .., "subject"?: ..}`: handles again what this names, `{}`
/// is everything.
pub(crate) async fn retry(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let (parts, body) = request.into_parts();
    let body = body::json(&parts.headers, body, http.options.body_limit, deadline).await?;
    let wanted = Wanted::read(&body)?;
    let mut retried = Vec::new();
    for parked in http
        .app
        .parked()
        .iter()
        .filter(|parked| wanted.names(parked))
    {
        match http.app.retry(parked) {
            Ok(()) => retried.push(describe(parked)),
            // Someone else was faster.
            Err(RetryError::NotParked { .. }) => {}
            Err(_) => return Err(shutting_down()),
        }
    }
    if retried.is_empty() && !wanted.is_everything() {
        return Err(Problem::of(kinds::NOT_PARKED));
    }
    answer(StatusCode::ACCEPTED, &json!({ "retried": retried }))
}

struct Wanted<'a> {
    automation: Option<&'a str>,
    log: Option<&'a str>,
    subject: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(body: &'a Value) -> Result<Self, Problem> {
        let Value::Object(members) = body else {
            return Err(Problem::of(kinds::MALFORMED_BODY)
                .detail("the body must be an object; `{}` is everything"));
        };
        let mut wanted = Self {
            automation: None,
            log: None,
            subject: None,
        };
        let mut errors = Vec::new();
        for (name, value) in members {
            let field = match name.as_str() {
                "automation" => &mut wanted.automation,
                "log" => &mut wanted.log,
                "subject" => &mut wanted.subject,
                _ => {
                    errors.push(at(&pointer_to(name), "there is no such member"));
                    continue;
                }
            };
            match value {
                Value::String(text) => *field = Some(text),
                _ => errors.push(at(&pointer_to(name), "it must be a string")),
            }
        }
        if errors.is_empty() {
            return Ok(wanted);
        }
        Err(Problem::of(kinds::INVALID)
            .detail("what to retry is not clear")
            .member("errors", errors))
    }

    fn names(&self, parked: &Parked) -> bool {
        self.automation.is_none_or(|name| name == parked.automation)
            && self.log.is_none_or(|log| *log == *parked.log)
            && self
                .subject
                .is_none_or(|subject| subject == parked.subject.as_str())
    }

    fn is_everything(&self) -> bool {
        self.automation.is_none() && self.log.is_none() && self.subject.is_none()
    }
}
