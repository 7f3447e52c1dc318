//! Errors of the engine as problems.

use std::fmt::Display;

use serde_json::Value;

use super::headers::etag;
use super::kinds::{self, ProblemKind};
use super::problem::{Problem, at};
use crate::engine::{ExecuteError, Failure};
use crate::model::{CommandInfo, Violations};
use crate::record::CommandId;
use crate::store::StoreError;
use crate::trouble::{excerpt, limited};

/// The command that an answer is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandContext {
    /// The command.
    pub info: &'static CommandInfo,
    /// Its id, if the sender gave one.
    pub id: Option<CommandId>,
    /// The correlation id: everything that follows from the request has the same.
    pub correlation_id: Option<String>,
    /// The place of the command in the body, as a JSON Pointer.
    pub pointer: &'static str,
}

impl CommandContext {
    /// Of a command that stands at this place in the body; its sender has named nothing.
    pub fn new(info: &'static CommandInfo, pointer: &'static str) -> Self {
        Self {
            info,
            id: None,
            correlation_id: None,
            pointer,
        }
    }
}

impl CommandContext {
    /// Adds to a problem which command it is about.
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

    /// The answer if the command has not ended in time. The execution goes on.
    pub fn still_running(&self) -> Problem {
        self.name(
            Problem::of(kinds::UNKNOWN_OUTCOME)
                .detail("the command is still being executed, and may be committed")
                .retry_after(1),
        )
    }

    /// The answer to a failure of the command.
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
                .member("expected", expected.position().get())
                .member("actual", actual.position().get())
                .member("etag", etag(actual)),
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
            ExecuteError::TooMany { records, max } => Problem::of(kinds::TOO_MANY_EVENTS)
                .detail(detail)
                .member("records", records)
                .member("limit", max),
            ExecuteError::Store(error) if !is_mistake(&error) => of_store(&error),
            ExecuteError::ShuttingDown => Problem::of(kinds::SHUTTING_DOWN).retry_after(1),
            ExecuteError::Panicked(_) => self.mistake(kinds::PANICKED, &detail),
            _ => self.mistake(kinds::INTERNAL, &detail),
        }
    }

    /// The answer if the command panicked.
    pub fn panicked(&self, panic: &dyn Display) -> Problem {
        self.name(self.mistake(kinds::INTERNAL, panic))
    }

    /// The answer to a mistake of the program. Its details are in the program's log, under the correlation id that the
    /// sender gets.
    fn mistake(&self, kind: &'static ProblemKind, error: &dyn Display) -> Problem {
        let correlation_id = self.correlation_id.as_deref();
        let error = excerpt(error.to_string());
        let command = self.info.ty.name;
        limited!(20 ERROR, "the command failed", command, correlation_id, error);
        Problem::of(kind)
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

/// The answer to a failure of the store.
pub fn of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::UnknownLog { .. } => Problem::of(kinds::UNKNOWN_LOG).detail(error.to_string()),
        StoreError::Full { .. } => {
            limited!(ERROR, "nothing can be stored", %error);
            Problem::of(kinds::STORE_FULL).retry_after(5)
        }
        error if is_mistake(error) => {
            limited!(ERROR, "the store failed", %error);
            Problem::of(kinds::INTERNAL)
        }
        error => {
            limited!(WARN, "the store cannot serve", %error);
            Problem::of(kinds::UNAVAILABLE).retry_after(1)
        }
    }
}

/// The answer to a fault that neither the sender nor another attempt mends.
fn is_mistake(error: &StoreError) -> bool {
    !error.is_retryable() && !matches!(error, StoreError::UnknownLog { .. })
}

/// A mistake of the program.
pub fn internal(error: &dyn Display, doing: &'static str) -> Problem {
    limited!(ERROR, "a request could not be answered", %error, doing);
    Problem::of(kinds::INTERNAL)
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::Position;
    use crate::board::{RejectionInfo, SchemaInfo, TypeInfo};
    use crate::record::{DecodeError, DecodeReason, Subject};

    /// The fields of all that is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<String>>);

    impl Visit for &Log {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            let line = format!("{field}={value:?}\n");
            self.0.lock().unwrap().push_str(&line);
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    const OPEN: &CommandInfo = &CommandInfo::__new(
        TypeInfo::__new("Open", "", "", &[], "", 0),
        None,
        None,
        &[],
        &[],
        &RejectionInfo::__new(TypeInfo::__new("No", "", "", &[], "", 0), &[]),
        SchemaInfo(None),
    );

    fn told(what: &str, answer: impl FnOnce(CommandContext) -> Problem) {
        let context = CommandContext {
            info: OPEN,
            id: None,
            correlation_id: Some("form-4711".into()),
            pointer: "/data",
        };
        let log = Log::default();
        let problem = tracing::subscriber::with_default(log.clone(), || answer(context));
        assert_eq!(problem.kind().unwrap().code, "internal", "{what}");
        assert_eq!(problem.get("correlationId").unwrap(), "form-4711", "{what}");
        let log = log.0.lock().unwrap();
        assert!(
            log.contains("correlation_id=\"form-4711\""),
            "{what}: {log}"
        );
        assert!(log.contains(what), "{what}: {log}");
    }

    #[test]
    fn what_the_sender_is_not_to_blame_for_is_in_the_log_under_the_id_that_he_is_told() {
        for failure in [
            Failure::Store(StoreError::failed("a disk is broken")),
            Failure::Store(StoreError::Drift {
                log: "hotel".into(),
                reason: "it begins at position 5".into(),
            }),
            Failure::Undecodable {
                log: "hotel".into(),
                error: DecodeError {
                    position: Position::new(7),
                    subject: Subject::new("room.1").unwrap(),
                    event_type: "Painted".into(),
                    reason: DecodeReason::UnknownType,
                }
                .into(),
            },
            Failure::NotInModel { command: "Open" },
        ] {
            told(&failure.to_string(), |context| context.problem(failure));
        }
        told("out of paint", |context| context.panicked(&"out of paint"));
    }
}
