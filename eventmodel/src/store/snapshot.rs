//! The state of an instance, kept beside its last event.
//!
//! The log is the truth: whoever gets a snapshot that does not check out discards it, and reads the events.

use bytes::Bytes;

use crate::record::{Position, Subject};

/// The state of a stream instance after an append, to be kept beside its last event there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The instance.
    pub subject: Subject,
    /// What has folded it: a projection, in one build of the program. Another build may fold the same events to
    /// another state, so it must not get a snapshot of this one.
    pub fold: u64,
    /// The state: JSON in one line, so without control characters, in UTF-8.
    pub state: Bytes,
}

/// A [`Snapshot`] as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedSnapshot {
    /// The position on the subject of the event that it was sent with, or of the event's copy. The state has folded
    /// every event up to it.
    pub position: Position,
    /// The state, as it was sent.
    pub state: Bytes,
}
