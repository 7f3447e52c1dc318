//! How JetStream streams and consumers are set up.

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

/// As the `nats` program writes it.
pub(crate) fn storage(storage: StorageType) -> &'static str {
    match storage {
        StorageType::File => "file",
        StorageType::Memory => "memory",
    }
}
