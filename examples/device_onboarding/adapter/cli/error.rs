//! Why the program ends with an error.

use std::io;
use std::path::PathBuf;

use eventmodel::ViewError;
use eventmodel::record::SubjectError;
use eventmodel::{Failure, NotDrained, StartError, StoreError};

use crate::bulk::{Ended, InputProblem, TargetError, UrlError};

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("the fleet cannot be opened: {0}")]
    Start(#[from] StartError),
    #[error("stopped, but not in good order: {0}")]
    Drain(#[from] NotDrained),
    #[error("the environment variable PORT is `{text}`: it must be a number from 0 to 65535")]
    Port { text: String },
    #[error(
        "port {port} of {host} is in use by another program: choose another with --port, or --port 0 for any that is free"
    )]
    InUse { host: String, port: u16 },
    #[error("cannot listen on port {port} of {host}: {error}")]
    Listen {
        host: String,
        port: u16,
        error: io::Error,
    },
    #[error("{wrong} wrong and {outdated} outdated are more than {devices} devices")]
    TooMany {
        wrong: u64,
        outdated: u64,
        devices: u64,
    },
    #[error("{}: cannot write: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("the standard input, `-`, can be read once")]
    StdinTwice,
    #[error(transparent)]
    Input(#[from] InputProblem),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Ended(#[from] Ended),
    #[error("{error}\n{advice}")]
    NoAnswer {
        error: TargetError,
        advice: &'static str,
    },
    #[error("the story broke off: {0}")]
    Story(#[from] StoryError),
}

/// Why the story broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoryError {
    #[error("a command failed: {0}")]
    Command(Box<Failure>),
    #[error("a view did not answer: {0}")]
    View(#[from] ViewError),
    #[error("the events cannot be read: {0}")]
    Events(#[from] StoreError),
    #[error("a device has no subject: {0}")]
    Subject(#[from] SubjectError),
    #[error("it cannot be printed: {0}")]
    Print(#[from] io::Error),
}
