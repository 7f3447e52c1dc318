//! How JetStream streams and consumers are set up.

use std::time::Duration;

use async_nats::jetstream::stream::StorageType;

/// What the builder was told about JetStream streams and consumers.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// How many copies of each log the servers keep; `None` accepts what is there.
    pub(crate) replicas: Option<usize>,
    pub(crate) storage: StorageType,
    /// How long JetStream remembers ids; `None` accepts what is there.
    pub(crate) duplicate_window: Option<Duration>,
    /// Whether the store may create missing streams and subjects.
    pub(crate) create: bool,
    /// Whether the store opens a log that has lost its start.
    pub(crate) accept_lost_events: bool,
    /// For how many instances of each log the store remembers what precedes their next event.
    pub(crate) remembered: usize,
    /// How long a silent process keeps the events of an automation.
    pub(crate) hand_over: Duration,
    /// How long the audit trail keeps entries; zero for no trail.
    pub(crate) audit_max_age: Duration,
    /// How many bytes the audit trail keeps.
    pub(crate) audit_max_bytes: i64,
}

/// As the `nats` program writes it.
pub(crate) fn storage(storage: StorageType) -> &'static str {
    match storage {
        StorageType::File => "file",
        StorageType::Memory => "memory",
    }
}
