//! What can go wrong before a test has its server.

use std::path::PathBuf;
use std::time::Duration;

/// Why there is no server, or why it does not do what the test asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No program to run.
    #[error(
        "no nats-server: `NATS_SERVER_BIN` is not set and none is on the PATH; run `cargo xtask test`, or \
         `NATS_SERVER_BIN=$(cargo xtask nats) cargo test`"
    )]
    NoBinary,

    /// No program for the tests of the defect 8376.
    #[error(
        "`NATS_SERVER_DEFECTIVE_BIN` is not set, so there is no nats-server with the defect 8376 to show what is done \
         about it; run `cargo xtask test`, or `NATS_SERVER_DEFECTIVE_BIN=$(cargo xtask nats 2.14.3) cargo test`"
    )]
    NoDefectiveBinary,

    /// The program is older than what the tests are written for.
    #[error("{} is nats-server {version}, and the tests need {needed} or newer", binary.display())]
    TooOld {
        /// The program.
        binary: PathBuf,
        /// What it says it is.
        version: String,
        /// The oldest that will do.
        needed: &'static str,
    },

    /// The server ended instead of serving.
    #[error("nats-server ended with {status}; its log:\n{log}")]
    Ended {
        /// How.
        status: String,
        /// The last lines of its log.
        log: String,
    },

    /// What was waited for did not come in time.
    #[error("{what}: not within {bound:?}; {log}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        bound: Duration,
        /// The last answer, and the last lines of the server's log.
        log: String,
    },

    /// The server is not running, so that it cannot be signalled.
    #[error("the server is not running: `restart` it first")]
    NotRunning,

    /// No port of the range is free.
    #[error(
        "no free port: thousands of servers are running, or none may listen on the loopback address"
    )]
    NoPort,

    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },

    /// The NATS client refused something.
    #[error("{what}: {source}")]
    Client {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: async_nats::Error,
    },
}

/// For `map_err`.
pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { what, source }
}

/// For `map_err`.
pub(crate) fn client<E>(what: &'static str) -> impl FnOnce(E) -> Error
where
    E: Into<async_nats::Error>,
{
    move |error| Error::Client {
        what,
        source: error.into(),
    }
}
