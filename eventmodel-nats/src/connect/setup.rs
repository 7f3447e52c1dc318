//! How JetStream streams are set up, and what is said about one that is set up otherwise.

use std::time::Duration;

use async_nats::jetstream::stream::StorageType;

/// How the JetStream streams of logs are set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// How many copies of each log the servers keep; what is there is accepted if it is not said.
    pub(crate) replicas: Option<usize>,
    pub(crate) storage: StorageType,
    /// How long JetStream remembers ids; what is there is accepted if it is not said.
    pub(crate) duplicate_window: Option<Duration>,
    /// Whether missing streams and subjects are created.
    pub(crate) create: bool,
    /// Whether a log that has lost its start is opened.
    pub(crate) accept_lost_events: bool,
    /// Of how many instances of each log it is remembered what was before their last event.
    pub(crate) trails: usize,
    /// How long the events of an automation are left to a process that says nothing.
    pub(crate) hand_over: Duration,
    /// How long entries of the audit trail are kept; none are if it is zero.
    pub(crate) audit_max_age: Duration,
    /// How many bytes of them are kept.
    pub(crate) audit_max_bytes: i64,
}

/// A setting of a JetStream stream, or of a consumer.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) fits: bool,
    pub(crate) actual: String,
    pub(crate) needed: String,
    /// The flag of `nats stream edit` that changes it, if it can be changed.
    pub(crate) flag: Option<String>,
}

pub(crate) fn storage(storage: StorageType) -> &'static str {
    match storage {
        StorageType::File => "file",
        StorageType::Memory => "memory",
    }
}
