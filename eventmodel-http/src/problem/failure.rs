//! Errors of the engine as problems.

use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, ETAG};
use eventmodel::{
    CommandId, CommandInfo, ExecuteError, Failure, Position, StoreError, ViewError, Violations,
};
use serde_json::Value;

use super::{Problem, at, kinds};

/// What an answer says of the command that it is about.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) info: &'static CommandInfo,
    /// Its id, as far as the sender gave it.
    pub(crate) id: Option<CommandId>,
    pub(crate) correlation_id: Option<String>,
    /// Where the command stands in the body: a JSON Pointer.
    pub(crate) pointer: &'static str,
}

impl Context {
    /// Says in the problem which command it is about.
    pub(crate) fn name(&self, mut problem: Problem) -> Problem {
        if let Some(id) = &self.id {
            problem = problem.member("commandId", id.as_str());
        }
        if let Some(id) = &self.correlation_id {
            problem = problem.member("correlationId", id.as_str());
        }
        problem
    }

    pub(crate) fn problem(&self, failure: Failure) -> Problem {
        self.name(self.of(failure))
    }

    fn of(&self, failure: Failure) -> Problem {
        let detail = failure.to_string();
        match failure {
            ExecuteError::Rejected(rejection) => {
                let title = rejection_title(self.info, &rejection.code);
                let problem = Problem::rejection(&self.info.address(), &rejection.code, title);
                let problem = problem.detail(rejection.message);
                match rejection.details {
                    Value::Null => problem,
                    details => problem.member("details", details),
                }
            }
            ExecuteError::Invalid(violations) => self.invalid(&violations),
            ExecuteError::Id(_) | ExecuteError::Key(_) => Problem::of(kinds::INVALID)
                .detail(detail.clone())
                .member("errors", vec![at(self.pointer, detail)]),
            ExecuteError::Conflict { attempts } => Problem::of(kinds::CONFLICT)
                .detail(detail)
                .member("attempts", attempts)
                .retry_after(1),
            ExecuteError::Stale { expected, actual } => Problem::of(kinds::STALE)
                .detail(detail)
                .member("expected", expected.get())
                .member("actual", actual.get())
                .header(ETAG, etag(actual)),
            ExecuteError::IdReused { id, .. } => Problem::of(kinds::ID_REUSED)
                .detail(detail)
                .member("commandId", id.as_str()),
            ExecuteError::UnknownOutcome { id, .. } => Problem::of(kinds::UNKNOWN_OUTCOME)
                .detail("it may have been committed: send it again with this id as Idempotency-Key")
                .member("commandId", id.as_str())
                .retry_after(1),
            ExecuteError::TooLarge { size, max, .. } => Problem::of(kinds::EVENT_TOO_LARGE)
                .detail(detail)
                .member("size", size)
                .member("limit", max),
            ExecuteError::Store(error) => of_store(&error),
            ExecuteError::ShuttingDown => shutting_down(),
            _ => {
                tracing::error!(command = self.info.ty.name, correlation_id = self.correlation_id, error = %detail, "the command failed");
                Problem::of(kinds::INTERNAL)
            }
        }
    }

    fn invalid(&self, violations: &Violations) -> Problem {
        let errors: Vec<Value> = violations
            .iter()
            .map(|violation| {
                let pointer = format!("{}{}", self.pointer, violation.pointer());
                at(&pointer, violation.message.as_str())
            })
            .collect();
        Problem::of(kinds::INVALID)
            .detail(violations.to_string())
            .member("errors", errors)
    }
}

/// The first sentence of a variant's documentation, or its code in words.
pub(crate) fn rejection_title(info: &CommandInfo, code: &str) -> String {
    let variant = info.rejects.variants.iter().find(|v| v.code == code);
    let line = variant.and_then(|variant| variant.doc.lines().find(|line| !line.trim().is_empty()));
    match line {
        Some(line) => line.trim().trim_end_matches('.').to_owned(),
        None => code.replace('-', " "),
    }
}

/// A revision as a strong entity tag.
pub(crate) fn etag(revision: Position) -> HeaderValue {
    // Digits and quotes are always a header value.
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

pub(crate) fn shutting_down() -> Problem {
    Problem::of(kinds::SHUTTING_DOWN)
        .header(CONNECTION, HeaderValue::from_static("close"))
        .retry_after(1)
}

pub(crate) fn of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::UnknownLog { .. } => Problem::of(kinds::UNKNOWN_LOG).detail(error.to_string()),
        error if error.is_retryable() => {
            tracing::warn!(%error, "the store cannot be reached");
            Problem::of(kinds::UNAVAILABLE).retry_after(1)
        }
        error => {
            tracing::error!(%error, "the store failed");
            Problem::of(kinds::INTERNAL)
        }
    }
}

pub(crate) fn of_view(error: &ViewError) -> Problem {
    let detail = error.to_string();
    match error {
        ViewError::NotInModel { .. } => Problem::of(kinds::UNKNOWN_VIEW).detail(detail),
        ViewError::NotReached { wanted, at, .. } => Problem::of(kinds::NOT_REACHED)
            .detail(detail)
            .member("wanted", wanted.get())
            .member("position", at.get())
            .retry_after(1),
        ViewError::Undecodable { .. } | ViewError::Panicked { .. } => {
            tracing::error!(%error, "a view that has stopped was asked");
            Problem::of(kinds::VIEW_STOPPED)
        }
        ViewError::Key { .. } => Problem::of(kinds::INVALID_KEY).detail(detail),
        ViewError::OtherLog { .. } | ViewError::WhichLog { .. } => {
            Problem::of(kinds::MALFORMED_URL)
                .detail(format!(
                    "{detail}; as parameters: `?after=<position>&log=<log>`"
                ))
                .member("parameter", "log")
        }
        ViewError::ShutDown => shutting_down(),
        ViewError::Store(error) => of_store(error),
        _ => {
            tracing::error!(%error, "a view could not answer");
            Problem::of(kinds::INTERNAL)
        }
    }
}

/// A mistake of the program.
pub(crate) fn internal(error: &dyn std::fmt::Display, doing: &'static str) -> Problem {
    tracing::error!(%error, doing, "a request could not be answered");
    Problem::of(kinds::INTERNAL)
}
