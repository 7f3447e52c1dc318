//! What a store takes.

use super::{Append, AppendError};

/// What a store takes. The default is what JetStream takes with its usual configuration, so that a program which runs
/// in memory also runs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many [records](Append::records) one append may make. *Default:* 1,000, as in an atomic batch of ADR-50.
    pub records: usize,
    /// How many bytes the payload of an event may have. A store that keeps metadata beside the payload may take a little
    /// less. *Default:* 1 MiB, the `max_payload` of a NATS server.
    pub payload: usize,
    /// How many bytes of snapshots the store keeps beside the last event of a stream instance, all of that instance
    /// taken together. *Default:* 0, it keeps none.
    ///
    /// What is sent with the last event on a subject is given back to whoever asks for its fold, until the next event
    /// is on the subject. What was sent with an earlier one may be given back, with the events after it. Snapshots of an
    /// append that is refused, or was committed before, are of no event.
    pub snapshot: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 1_000,
            payload: 1024 * 1024,
            snapshot: 0,
        }
    }
}

impl Limits {
    /// So many records in one append.
    #[must_use]
    pub fn records(mut self, records: usize) -> Self {
        self.records = records;
        self
    }

    /// So many bytes of payload.
    #[must_use]
    pub fn payload(mut self, bytes: usize) -> Self {
        self.payload = bytes;
        self
    }

    /// So many bytes of snapshots.
    #[must_use]
    pub fn snapshot(mut self, bytes: usize) -> Self {
        self.snapshot = bytes;
        self
    }

    /// Whether an append is within the limits. Every store asks before it stores anything.
    ///
    /// # Errors
    /// [`AppendError::TooMany`], [`AppendError::TooLarge`].
    pub fn check(&self, append: &Append) -> Result<(), AppendError> {
        let records = append.records();
        if records > self.records {
            let max = self.records;
            return Err(AppendError::TooMany { records, max });
        }
        let mut events = append.events().iter();
        match events.find(|event| event.payload.len() > self.payload) {
            None => Ok(()),
            Some(event) => Err(AppendError::TooLarge {
                event: event.metadata.id.clone(),
                size: event.payload.len(),
                max: self.payload,
            }),
        }
    }
}
