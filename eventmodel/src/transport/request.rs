//! The body of a request, and the ids that may come with it.

use serde_json::Value;

use super::problem::{Problem, at, pointer_to};
use crate::model::{JsonError, JsonText, Violation};
use crate::record::CommandId;
use crate::transport::kinds;

/// The body of a request that executes a command: `{"data": {...}, "correlationId"?: "..."}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandBody {
    /// The command.
    pub data: JsonText,
    /// The correlation id, if the body has one.
    pub correlation_id: Option<String>,
}

impl CommandBody {
    /// Reads a body.
    ///
    /// # Errors
    /// A problem that says everything that is wrong with the body.
    pub fn read(body: &JsonText) -> Result<Self, Problem> {
        let Some(mut members) = body.members() else {
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
        let correlation_id = match correlation_id.map(|id| serde_json::from_str(id.get()).ok()) {
            None | Some(Some(Value::Null)) => None,
            Some(Some(Value::String(id))) if is_correlation_id(&id) => Some(id),
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
                data: JsonText::part(data),
                correlation_id,
            }),
            _ => Err(Problem::of(kinds::INVALID)
                .detail("the body must be {\"data\": {...}, \"correlationId\"?: \"...\"}")
                .member("errors", errors)),
        }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let located = |problem: Problem, violation: &Violation| {
            let error = at(&violation.pointer(), violation.message.clone());
            problem.member("errors", vec![error])
        };
        match error {
            JsonError::NotJson(_) => Self::of(kinds::MALFORMED_BODY).detail(error.to_string()),
            JsonError::Unreadable(violation) => {
                let problem = Self::of(kinds::MALFORMED_BODY).detail("the body cannot be read");
                located(problem, &violation)
            }
            JsonError::Ambiguous(violation) => {
                let detail = "the body can be understood in several ways";
                located(Self::of(kinds::INVALID).detail(detail), &violation)
            }
        }
    }
}

/// Whether a text can be a correlation id. It may be as long as a command id, which is its default.
pub fn is_correlation_id(text: &str) -> bool {
    (1..=CommandId::MAX_LEN).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether a text is a W3C `traceparent`.
pub fn is_traceparent(text: &str) -> bool {
    let mut fields = text.split('-');
    let mut field = |len: usize| {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        fields
            .next()
            .filter(|field| field.len() == len && field.bytes().all(hex))
    };
    let (Some(version), Some(trace), Some(span), Some(_)) =
        (field(2), field(32), field(16), field(2))
    else {
        return false;
    };
    let all_zero = |text: &str| text.bytes().all(|b| b == b'0');
    let ended = fields.next().is_none();
    let valid =
        version != "ff" && !all_zero(trace) && !all_zero(span) && (ended || version != "00");
    // A later version may add fields, which are not checked here, up to this length.
    valid && text.len() <= 256
}
