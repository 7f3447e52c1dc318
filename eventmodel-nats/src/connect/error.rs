//! Why there is no connection.

/// Why a store could not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An address is invalid: write it as `nats://host:4222`.
    #[error(
        "`{servers}` is not the address of a NATS server ({reason}): write it as `nats://host:4222`"
    )]
    Address {
        /// What was given.
        servers: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The prefix of the subjects for answers is invalid: use letters, digits, `-` and `_`, with dots between tokens.
    #[error(
        "`inbox_prefix` is `{prefix}`, which no subject begins with ({reason}): use letters, digits, `-` and `_`, as in \
         `_INBOX_hotel`"
    )]
    InboxPrefix {
        /// What was given.
        prefix: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The credentials file cannot be read.
    #[error("the credentials cannot be read: {0}")]
    Credentials(#[source] std::io::Error),
    /// No server answers, or it refuses.
    #[error("no connection to `{servers}`: {source}")]
    Unreachable {
        /// The addresses.
        servers: String,
        /// What happened.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server is too old for atomic batches.
    #[error(
        "the NATS server is version {found}, and eventmodel needs {needed} or newer (atomic batches): upgrade it"
    )]
    TooOld {
        /// Its version.
        found: String,
        /// The oldest that works.
        needed: &'static str,
    },
    /// An accepted defect is unknown.
    #[error(
        "`accept_defect(\"{number}\")`: no such defect is known, only {}: correct the number, or leave it out",
        known.join(", ")
    )]
    UnknownDefect {
        /// What was accepted.
        number: String,
        /// The known numbers.
        known: Vec<&'static str>,
    },
    /// The server has no JetStream.
    #[error(
        "the NATS server has JetStream turned off: start it with `-js`, or give the account JetStream"
    )]
    NoJetStream,
}
