//! Errors of the engine as problems.

use serde_json::Value;

use super::kinds;
use super::problem::{Problem, at};
use crate::{CommandId, CommandInfo, ExecuteError, Failure, StoreError, Violations};

/// What an answer says of the command that it is about.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// The command.
    pub info: &'static CommandInfo,
    /// Its id, as far as the sender gave it.
    pub id: Option<CommandId>,
    /// What all that follows from the request has in common.
    pub correlation_id: Option<String>,
    /// Where the command stands in the body: a JSON Pointer.
    pub pointer: &'static str,
}

impl CommandContext {
    /// Says in the problem which command it is about.
    #[must_use]
    pub fn name(&self, mut problem: Problem) -> Problem {
        if let Some(id) = &self.id {
            problem = problem.member("commandId", id.as_str());
        }
        if let Some(id) = &self.correlation_id {
            problem = problem.member("correlationId", id.as_str());
        }
        problem
    }

    /// How it is answered when it has not ended in time. It goes on.
    pub fn still_running(&self) -> Problem {
        self.name(
            Problem::of(kinds::UNKNOWN_OUTCOME)
                .detail("the command is still being executed, and may be committed")
                .retry_after(1),
        )
    }

    /// How its failure is answered.
    pub fn problem(&self, failure: Failure) -> Problem {
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
                .member("actual", actual.get()),
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
            ExecuteError::ShuttingDown => Problem::of(kinds::SHUTTING_DOWN).retry_after(1),
            mistake => {
                tracing::error!(command = self.info.ty.name, correlation_id = self.correlation_id, error = %detail, "the command failed");
                Problem::of(match mistake {
                    ExecuteError::Panicked(_) => kinds::PANICKED,
                    _ => kinds::INTERNAL,
                })
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
pub fn rejection_title(info: &CommandInfo, code: &str) -> String {
    let variant = info.rejects.variants.iter().find(|v| v.code == code);
    let line = variant.and_then(|variant| variant.doc.lines().find(|line| !line.trim().is_empty()));
    match line {
        Some(line) => line.trim().trim_end_matches('.').to_owned(),
        None => code.replace('-', " "),
    }
}

/// How a failure of the store is answered.
pub fn of_store(error: &StoreError) -> Problem {
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

/// A mistake of the program.
pub fn internal(error: &dyn std::fmt::Display, doing: &'static str) -> Problem {
    tracing::error!(%error, doing, "a request could not be answered");
    Problem::of(kinds::INTERNAL)
}
