//! What can go wrong in a store.

use std::sync::Arc;

use crate::record::{CommandId, DecodeError, EventId, Position, Subject};

/// Why a store could not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or does not answer in time. Nothing has changed; try again.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The store has no room: a log, an account or a disk is full. Nothing was stored. The same call succeeds when an
    /// operator has made room.
    #[error("the store is full: {reason}")]
    Full {
        /// What is full, and how room is made.
        reason: String,
    },
    /// No log of this name was opened. Start a model that has it.
    #[error("there is no log `{log}`: a model that needs it has to be started first")]
    UnknownLog {
        /// Its name.
        log: Arc<str>,
    },
    /// The log is not what the model needs. The message says which setting, what it is, and what to do.
    #[error("the log `{log}` does not fit: {reason}")]
    Drift {
        /// Its name.
        log: Arc<str>,
        /// Which setting, what it is, what it must be.
        reason: String,
    },
    /// The server that keeps the log has a defect that breaks a promise. Nothing has changed. The message says which
    /// promise, and which version to take; another try helps when such a server leads.
    #[error("the log `{log}` is kept by {server}, which has the defect {defect}: {reason}")]
    Defect {
        /// The log.
        log: Arc<str>,
        /// The server and its version.
        server: Arc<str>,
        /// The number of the defect, as those who make the server count them.
        defect: &'static str,
        /// Where to read about it, what it breaks, which version to take.
        reason: String,
    },
    /// A stored event cannot be read.
    #[error(transparent)]
    Undecodable(#[from] Arc<DecodeError>),
    /// Something else that another try does not mend.
    #[error("the store failed: {0}")]
    Failed(Arc<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A [`StoreError::Failed`].
    pub fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Full { .. } | Self::Defect { .. }
        )
    }
}

/// Why an append did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A guard did not hold: someone else wrote first. Load what is new and decide again.
    #[error("another command wrote first{}", match subject { Some(s) => format!(", on `{s}`"), None => String::new() })]
    Conflict {
        /// Where, if the store knows.
        subject: Option<Subject>,
        /// The position of the last event there, if the store knows.
        actual: Option<Position>,
    },
    /// Another command was committed under this id. Use another id.
    #[error("the id `{id}` was used before, by `{name}` with another body: use another id")]
    IdReused {
        /// The id.
        id: CommandId,
        /// The command that used it.
        name: Arc<str>,
    },
    /// It may have been stored. Make the same append again.
    #[error("it is not known whether it was stored: {reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },
    /// The store does not take a payload of this size. Nothing was stored.
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
    /// The store does not take so many records at once. Nothing was stored.
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
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AppendError {
    /// Whether the same append may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}

/// Why an append would break the rules. A mistake of the program that made it, not of its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAppend {
    /// There is nothing to store.
    #[error("an append needs at least one event")]
    NoEvents,
    /// Two guards for one subject.
    #[error("`{subject}` has two guards")]
    GuardedTwice {
        /// The subject.
        subject: Subject,
    },
    /// A subject is written that no guard covers.
    #[error("`{subject}` is written without a guard")]
    Unguarded {
        /// The subject.
        subject: Subject,
    },
    /// An event is not the next one of the command.
    #[error("the event `{event}` is not the next one of its command")]
    OtherCommand {
        /// The event.
        event: EventId,
    },
    /// There is a snapshot of an instance that is not written.
    #[error("there is a snapshot of `{subject}`, which is not written")]
    SnapshotOfUnwritten {
        /// The subject.
        subject: Subject,
    },
}
