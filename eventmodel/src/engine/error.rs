//! How a command, or a start, fails.

use std::sync::Arc;

use crate::board::ModelError;
use crate::model::{EncodeError, Rejection, RejectionReport, Violations};
use crate::record::{
    CodecError, CommandId, Cursor, DecodeError, EventId, InvalidCommandId, Position, Subject,
    SubjectError,
};
use crate::store::{AppendError, StoreError, ViewError};

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError<R> {
    /// The domain refused the command. That is final as long as the state stays as it is.
    #[error("rejected: {0}")]
    Rejected(R),
    /// The command is not acceptable in any state. Correct the command.
    #[error("invalid: {0}")]
    Invalid(Violations),
    /// Others wrote first at every attempt. Try again.
    #[error("conflict: other commands wrote first, {attempts} time(s): try again")]
    Conflict {
        /// How often the engine decided the command.
        attempts: u32,
    },
    /// The instance of the command is not at the expected revision. Look at what has changed, and decide whether to
    /// send it again.
    #[error(
        "stale: the instance is at revision {actual}, not at the expected {expected}: look at what has changed"
    )]
    Stale {
        /// The revision that the sender expected.
        expected: Cursor,
        /// The revision that the instance has, with the log that it is in.
        actual: Cursor,
    },
    /// Another command was committed under this id. Use another id.
    ///
    /// The engine compares what serde writes of two bodies, regardless of the order of maps. Serde writes a set as a
    /// list, so a `HashSet` in a command may differ from itself: use a `BTreeSet`.
    #[error("the id `{id}` was used before, by `{name}` with another body: use another id")]
    IdReused {
        /// The id.
        id: CommandId,
        /// The command that used it.
        name: Arc<str>,
    },
    /// The command may have been committed. Execute it again **with the same id**: it is committed once.
    #[error("it may have been committed: retry with the same id, `{id}` ({reason})")]
    UnknownOutcome {
        /// The id.
        id: CommandId,
        /// Why the outcome is unknown.
        reason: String,
    },
    /// The template of the command's id gave a text that is no id. Correct the command.
    #[error("the id of the command: {0}")]
    Id(#[source] InvalidCommandId),
    /// A key is too long for a subject. Correct the command.
    #[error("the key of a stream: {0}")]
    Key(#[source] SubjectError),
    /// An event would not be read back as it was emitted, so nothing was stored. A mistake of the program: mend the
    /// `Serialize` and `Deserialize` of the event.
    #[error("the event `{event_type}` cannot be stored: {error}")]
    Encode {
        /// The event.
        event_type: &'static str,
        /// Why.
        #[source]
        error: EncodeError,
    },
    /// Serde cannot write the command, so the engine cannot tell it from another one under its id. Nothing was stored.
    /// A mistake of the program: mend the `Serialize` of the command.
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
    /// The store does not take so many records at once. Nothing was stored. Emit fewer events, or do it in several commands.
    #[error(
        "the command makes {records} records, the store takes {max} at once: emit fewer events, or do it in several \
         commands"
    )]
    TooMany {
        /// How many [records](crate::store::Append::records) it makes.
        records: usize,
        /// The limit.
        max: usize,
    },
    /// An event of the command's instance cannot be read, and the engine skips none. Deploy a program that knows the
    /// event.
    #[error("log `{log}`: {error}")]
    Undecodable {
        /// The log.
        log: Arc<str>,
        /// The event, and why it cannot be read.
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

/// The function of the model that panicked, and its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Panicked {
    /// A function of the command panicked. The same command may succeed in another state.
    #[error("`{command}` panicked in `{function}`: {message}")]
    Command {
        /// The command.
        command: &'static str,
        /// The function: `decide`, `validate`, `keys`, `id`, `serialize`.
        function: &'static str,
        /// Its message.
        message: String,
    },
    /// A handler of a state panicked while the state was loaded. No command can decide on this instance until the
    /// handler is mended.
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
        /// Its message.
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

    /// Whether the command is not to blame: what is in its way passes by itself, or an operator mends it.
    pub(super) fn is_hindrance(&self) -> bool {
        self.is_retryable() || matches!(self, Self::Store(StoreError::Drift { .. }))
    }

    /// The same error, with the rejection converted.
    pub fn map_rejection<T>(self, map: impl FnOnce(R) -> T) -> ExecuteError<T> {
        self.replace_rejection(|rejection| ExecuteError::Rejected(map(rejection)))
    }

    /// The same error, with another error in place of a rejection.
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
            Self::TooMany { records, max } => ExecuteError::TooMany { records, max },
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
        AppendError::TooMany { records, max } => ExecuteError::TooMany { records, max },
        AppendError::Store(error) => ExecuteError::Store(error),
    }
}
