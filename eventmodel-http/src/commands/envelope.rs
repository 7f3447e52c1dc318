//! The body of `PUT /mutation/<command>`.

use serde_json::Value;

use crate::problem::{Problem, at, kinds, pointer_to};
use crate::request::headers::is_correlation_id;

/// The body of the route for all commands: `{"data": {...}, "correlationId"?: "..."}`.
pub(super) struct Envelope {
    pub(super) data: Value,
    pub(super) correlation_id: Option<String>,
}

impl Envelope {
    pub(super) fn read(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut members) = body else {
            return Err(Problem::of(kinds::MALFORMED_BODY).detail(
                "the body must be an object: {\"data\": {...}}, with the command in `data`",
            ));
        };
        let mut errors = Vec::new();
        let data = members.remove("data");
        let correlation_id = members.remove("correlationId");
        if data.is_none() {
            errors.push(at("/data", "it is missing: the command stands in it"));
        }
        let correlation_id = match correlation_id {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if is_correlation_id(&id) => Some(id),
            Some(_) => {
                let detail = "it must be a string of 1 to 256 bytes without control characters";
                errors.push(at("/correlationId", detail));
                None
            }
        };
        errors.extend(members.keys().map(|name| {
            let detail = "there is no such member; the fields of the command stand in `data`";
            at(&pointer_to(name), detail)
        }));
        match data {
            Some(data) if errors.is_empty() => Ok(Self {
                data,
                correlation_id,
            }),
            _ => Err(Problem::of(kinds::INVALID)
                .detail("the body must be {\"data\": {...}, \"correlationId\"?: \"...\"}")
                .member("errors", errors)),
        }
    }
}
