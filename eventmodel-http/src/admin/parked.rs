//! What automations have set aside.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::record::Subject;
use eventmodel::{Parked, Position, RetryError};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Items;
use crate::Http;
use crate::problem::{Problem, at, kinds, pointer_to};
use crate::receipt::json;
use crate::request::body;

/// `GET /parked`: what automations have set aside, the oldest first.
pub(crate) async fn parked(http: Arc<Http>, _: Request) -> Result<Response, Problem> {
    let items = http.app.parked().iter().map(ParkedBody::of).collect();
    json(StatusCode::OK, &Items { items })
}

#[derive(Serialize)]
struct ParkedBody {
    automation: &'static str,
    log: Arc<str>,
    subject: Subject,
    position: Position,
    #[serde(rename = "type")]
    event_type: Arc<str>,
    error: String,
    attempts: u32,
    since: Timestamp,
    /// How many later events of the instance wait behind it.
    waiting: usize,
}

impl ParkedBody {
    fn of(parked: &Parked) -> Self {
        Self {
            automation: parked.automation,
            log: parked.log.clone(),
            subject: parked.subject.clone(),
            position: parked.position,
            event_type: parked.event_type.clone(),
            error: parked.error.clone(),
            attempts: parked.attempts,
            since: parked.since,
            waiting: parked.waiting,
        }
    }
}

#[derive(Serialize)]
struct Retried {
    retried: Vec<ParkedBody>,
}

/// `POST /parked/retry` with `{"automation"?: .., "log"?: .., "subject"?: ..}`: handles again what this names, `{}`
/// is everything.
pub(crate) async fn retry(http: Arc<Http>, request: Request) -> Result<Response, Problem> {
    let deadline = http.deadline();
    let (parts, body) = request.into_parts();
    let body = body::json(&parts.headers, body, http.options.body_limit, deadline).await?;
    // Nothing but strings is taken below, so nothing is lost.
    let body = serde_json::from_str(body.get()).unwrap_or_default();
    let wanted = Wanted::read(&body)?;
    let mut retried = Vec::new();
    for parked in http
        .app
        .parked()
        .iter()
        .filter(|parked| wanted.names(parked))
    {
        match http.app.retry(parked) {
            Ok(()) => retried.push(ParkedBody::of(parked)),
            // Someone else was faster.
            Err(RetryError::NotParked { .. }) => {}
            Err(_) => return Err(Problem::of(kinds::SHUTTING_DOWN).retry_after(1)),
        }
    }
    if retried.is_empty() && !wanted.is_everything() {
        return Err(Problem::of(kinds::NOT_PARKED));
    }
    json(StatusCode::ACCEPTED, &Retried { retried })
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
