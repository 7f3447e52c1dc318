//! Why a service did not start, or did not stop in good order.

use std::fmt::Display;
use std::sync::Arc;

/// Why a service cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A name cannot be a part of a subject: give the model, the command or the prefix another one.
    #[error(
        "`{subject}` cannot be the subject of a command ({reason}): give the model, the command or the prefix another name"
    )]
    Subject {
        /// The subject.
        subject: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A service cannot have the name of the model.
    #[error(
        "the model `{name}` cannot be a service of NATS: give it a name of letters, digits, `-` and `_`"
    )]
    Name {
        /// The name.
        name: Arc<str>,
    },
    /// The version is invalid.
    #[error("`{version}` is not the version of a service: write it as `1.2.3`")]
    Version {
        /// What was given.
        version: String,
    },
    /// A log would store the requests, and JetStream would answer them: choose a prefix.
    #[error(
        "the log `{log}` takes all messages on `{subject}`, so requests would be stored as events: choose another prefix"
    )]
    Taken {
        /// The subject of the command.
        subject: String,
        /// The log.
        log: Arc<str>,
    },
    /// The server refuses a subscription: the account must be allowed to subscribe to the subjects of the commands and
    /// to `$SRV.>`.
    #[error(
        "the server denies a permission ({message}): allow the account to subscribe to the subjects of the commands and to `$SRV.>`"
    )]
    Denied {
        /// What the server said.
        message: String,
    },
    /// The server has not confirmed the subscriptions.
    #[error("it is not known that the commands are served: {reason}")]
    NotServed {
        /// What happened.
        reason: String,
    },
    /// The connection is closed.
    #[error("the connection is closed: {reason}")]
    Closed {
        /// What happened.
        reason: String,
    },
}

impl ServeError {
    pub(super) fn closed(error: &dyn Display) -> Self {
        Self::Closed {
            reason: error.to_string(),
        }
    }
}

/// Why a service did not stop in good order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStopped {
    /// Some requests take too long. They go on, and get no answer if the process ends.
    #[error("{unfinished} request(s) in hand took too long: they go on without an answer")]
    TimedOut {
        /// How many tasks still run.
        unfinished: usize,
    },
    /// Answers could not be sent.
    #[error("the last answers could not be sent: {0}")]
    Connection(String),
}
