//! How a command, or a start, fails.

use std::sync::Arc;

use crate::board::ModelError;
use crate::model::{EncodeError, Rejection, RejectionReport, Violations};
use crate::record::{
    CodecError, CommandId, DecodeError, EventId, InvalidCommandId, Position, Subject, SubjectError,
};
use crate::store::{AppendError, StoreError, ViewError};

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<R> {
    /// The domain refused it. Final, as long as the state stays as it is.
    #[error("rejected: {0}")]
    Rejected(R),
    /// It is not acceptable whatever the state is. Correct the command.
    #[error("invalid: {0}")]
    Invalid(Violations),
    /// Others wrote first, each time it was tried. Try again.
    #[error("conflict: other commands wrote first, {attempts} time(s): try again")]
    Conflict {
        /// How often it was decided.
        attempts: u32,
    },
    /// Its instance is not at the expected revision. Look at what has changed, and decide whether to send it again.
    #[error(
        "stale: the instance is at revision {actual}, not at the expected {expected}: look at what has changed"
    )]
    Stale {
        /// The revision that the sender expected.
        expected: Position,
        /// The revision that the instance has.
        actual: Position,
    },
    /// Another command was committed under its id. Use another id.
    ///
    /// Bodies are compared by what serde writes of them, whatever the order of maps. A set is written as a list, so a
    /// `HashSet` in a command may differ from itself: use a `BTreeSet`.
    #[error("the id `{id}` was used before, by `{name}` with another body: use another id")]
    IdReused {
        /// The id.
        id: CommandId,
        /// The command that used it.
        name: Arc<str>,
    },
    /// It may have been committed. Execute it again **with the same id**: there will be one of it.
    #[error("it may have been committed: retry with the same id, `{id}` ({reason})")]
    UnknownOutcome {
        /// The id.
        id: CommandId,
        /// What happened.
        reason: String,
    },
    /// The template of its id gave something that is no id. Correct the command.
    #[error("the id of the command: {0}")]
    Id(#[source] InvalidCommandId),
    /// A key is too long for a subject. Correct the command.
    #[error("the key of a stream: {0}")]
    Key(#[source] SubjectError),
    /// An event would not be read back as what it is, so nothing was stored. A mistake of the program: mend how the
    /// type of the event is written and read.
    #[error("the event `{event_type}` cannot be stored: {error}")]
    Encode {
        /// The event.
        event_type: &'static str,
        /// Why.
        #[source]
        error: EncodeError,
    },
    /// Serde cannot write the command, so it could not be told from another one under its id. Nothing was stored. A
    /// mistake of the program: mend the `Serialize` of the command.
    #[error(
        "the command cannot be told from another one under its id, because it cannot be written: {0}"
    )]
    Fingerprint(#[source] CodecError),
    /// The store does not take an event of this size. Keep large data elsewhere, and record where.
    #[error(
        "the event `{event}` has {size} bytes, the store takes {max}: keep large data elsewhere and record where"
    )]
    TooLarge {
        /// The event.
        event: EventId,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// An event of its instance cannot be read, and is not skipped. Deploy the program that knows it.
    #[error("log `{log}`: {error}")]
    Undecodable {
        /// The log.
        log: Arc<str>,
        /// The event and why.
        #[source]
        error: Arc<DecodeError>,
    },
    /// A function of the model panicked. Nothing was stored. A mistake of the program: mend that function.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// No slice of the model has the command. Add it: `Slice::command::<..>()`.
    #[error("no slice of the model has the command `{command}`: add it with `Slice::command`")]
    NotInModel {
        /// The command.
        command: &'static str,
    },
    /// The decision broke a rule of the engine. A mistake of the program.
    #[error("the command cannot be stored: {0}")]
    Append(#[source] crate::store::InvalidAppend),
    /// The store failed. Nothing was stored.
    #[error(transparent)]
    Store(StoreError),
    /// The app takes no more commands. Send it to another process, or later.
    #[error("the app is shutting down: send it to another process, or later")]
    ShuttingDown,
}

/// Where a function of the model panicked, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Panicked {
    /// A function of the command: the same command may succeed when the state is another one.
    #[error("`{command}` panicked in `{function}`: {message}")]
    Command {
        /// The command.
        command: &'static str,
        /// The function: `decide`, `validate`, `keys`, `id`, `serialize`.
        function: &'static str,
        /// What it said.
        message: String,
    },
    /// A handler of a state, when the state was loaded: no command can decide on this instance until the handler is
    /// mended.
    #[error(
        "the state `{state}` of `{subject}` cannot be loaded: its handler panicked at position {position} of the log \
         `{log}`: {message}"
    )]
    Handler {
        /// The state.
        state: &'static str,
        /// The log.
        log: Arc<str>,
        /// The instance.
        subject: Subject,
        /// The position of the event.
        position: Position,
        /// What the handler said.
        message: String,
    },
}

/// An [`ExecuteError`] without the type of the rejection.
pub type Failure = ExecuteError<RejectionReport>;

impl<R> ExecuteError<R> {
    /// Whether the same command may succeed later, executed again with the same id.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::UnknownOutcome { .. } | Self::ShuttingDown => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Whether what is in the way is not the command: it passes, or an operator mends it.
    pub(super) fn is_hindrance(&self) -> bool {
        self.is_retryable() || matches!(self, Self::Store(StoreError::Drift { .. }))
    }

    /// The same error, with another rejection.
    pub fn map_rejection<T>(self, map: impl FnOnce(R) -> T) -> ExecuteError<T> {
        self.replace_rejection(|rejection| ExecuteError::Rejected(map(rejection)))
    }

    /// Another error in place of a rejection.
    pub(super) fn replace_rejection<T>(
        self,
        error: impl FnOnce(R) -> ExecuteError<T>,
    ) -> ExecuteError<T> {
        match self {
            Self::Rejected(rejection) => error(rejection),
            Self::Invalid(violations) => ExecuteError::Invalid(violations),
            Self::Conflict { attempts } => ExecuteError::Conflict { attempts },
            Self::Stale { expected, actual } => ExecuteError::Stale { expected, actual },
            Self::IdReused { id, name } => ExecuteError::IdReused { id, name },
            Self::UnknownOutcome { id, reason } => ExecuteError::UnknownOutcome { id, reason },
            Self::Id(error) => ExecuteError::Id(error),
            Self::Key(error) => ExecuteError::Key(error),
            Self::Encode { event_type, error } => ExecuteError::Encode { event_type, error },
            Self::TooLarge { event, size, max } => ExecuteError::TooLarge { event, size, max },
            Self::Undecodable { log, error } => ExecuteError::Undecodable { log, error },
            Self::Panicked(panicked) => ExecuteError::Panicked(panicked),
            Self::Fingerprint(error) => ExecuteError::Fingerprint(error),
            Self::NotInModel { command } => ExecuteError::NotInModel { command },
            Self::Append(error) => ExecuteError::Append(error),
            Self::Store(error) => ExecuteError::Store(error),
            Self::ShuttingDown => ExecuteError::ShuttingDown,
        }
    }
}

impl<R: Rejection> ExecuteError<R> {
    /// The same error, without the type of the rejection.
    pub fn erase(self) -> Failure {
        self.map_rejection(|rejection| RejectionReport::from(&rejection))
    }
}

/// Why a model could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The model is wrong.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The store cannot be used, or a log does not fit.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A view cannot be hosted.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl StartError {
    /// Whether the same start may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Model(_) => false,
            Self::Store(error) => error.is_retryable(),
            Self::View(error) => error.is_retryable(),
        }
    }
}

/// An append that failed for good, as the caller of a command sees it.
pub(super) fn from_append<R>(error: AppendError, id: &CommandId, attempts: u32) -> ExecuteError<R> {
    match error {
        AppendError::Conflict { .. } => ExecuteError::Conflict { attempts },
        AppendError::IdReused { id, name } => ExecuteError::IdReused { id, name },
        AppendError::Unknown { reason } => ExecuteError::UnknownOutcome {
            id: id.clone(),
            reason,
        },
        AppendError::TooLarge { event, size, max } => ExecuteError::TooLarge { event, size, max },
        AppendError::Store(error) => ExecuteError::Store(error),
    }
}
