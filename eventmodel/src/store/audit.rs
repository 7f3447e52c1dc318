//! The audit trail: every command that ended, and how.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{CommandId, Position};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it ended.
    pub time: Timestamp,
    /// The name of the command: `BookRoom`.
    pub command: Arc<str>,
    /// Its id.
    pub id: CommandId,
    /// Its correlation id.
    pub correlation_id: Arc<str>,
    /// What caused it: the id of an event, for an automation's command.
    pub causation_id: Option<Arc<str>>,
    /// Who sent it.
    pub source: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was accepted.
    Accepted {
        /// The events, their types and positions.
        events: Vec<AuditedEvent>,
        /// Whether it had been committed before, under the same id.
        already_committed: bool,
    },
    /// The domain refused it.
    Rejected {
        /// The code of the rejection: `already-booked`.
        code: Arc<str>,
        /// Its text.
        message: Arc<str>,
    },
    /// Others wrote first, each time it was tried, or its instance was not at the expected revision.
    Conflict,
    /// It failed otherwise: it was invalid, its id was used before, its outcome is not known, the store failed.
    Failed {
        /// What happened.
        message: Arc<str>,
    },
}

/// An event of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedEvent {
    /// Its type.
    pub event_type: Arc<str>,
    /// Where it stands in its log.
    pub position: Position,
}

/// Which entries of the audit trail to get. All of them, unless it says otherwise; the newest first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditQuery {
    /// Only commands of this name.
    pub command: Option<String>,
    /// Only the command of this id.
    pub id: Option<CommandId>,
    /// Only what followed from this request.
    pub correlation_id: Option<String>,
    /// Only what ended at this time or later.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl AuditQuery {
    /// All entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only commands of this name: `BookRoom`.
    #[must_use]
    pub fn command(mut self, name: impl Into<String>) -> Self {
        self.command = Some(name.into());
        self
    }

    /// Only the command of this id.
    #[must_use]
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// Only what followed from this request.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Only what ended at this time or later.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// At most so many.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether it asks for this entry.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        self.command
            .as_deref()
            .is_none_or(|name| name == &*entry.command)
            && self.id.as_ref().is_none_or(|id| *id == entry.id)
            && self
                .correlation_id
                .as_deref()
                .is_none_or(|id| id == &*entry.correlation_id)
            && self.since.is_none_or(|since| since <= entry.time)
    }
}

/// Where the audit trail is kept.
#[async_trait]
pub trait AuditTrail: Send + Sync + 'static {
    /// Notes how a command ended. It must not wait: the command is answered after it.
    fn record(&self, entry: AuditEntry);

    /// The entries that the query asks for, the newest first.
    ///
    /// # Errors
    /// [`StoreError`](crate::StoreError) if the trail cannot be read.
    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, super::error::StoreError>;

    /// Waits until what was noted is kept; bounded.
    async fn flush(&self) {}
}

/// Keeps the audit trail in memory, of the newest entries: 14 days, 100,000 entries and 64 MiB at most.
#[derive(Debug)]
pub struct MemoryAudit {
    kept: Mutex<Entries>,
    max_age: Duration,
    max_entries: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Entries {
    entries: VecDeque<AuditEntry>,
    bytes: usize,
}

impl Default for MemoryAudit {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_AGE, Self::DEFAULT_MAX_ENTRIES)
    }
}

impl MemoryAudit {
    /// How long an entry is kept: 14 days.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
    /// How many entries are kept.
    pub const DEFAULT_MAX_ENTRIES: usize = 100_000;
    /// How many bytes the entries may take: 64 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 64 * 1024 * 1024;

    /// Keeps entries for `max_age`, the newest `max_entries` of them, and no more than [`Self::DEFAULT_MAX_BYTES`].
    pub fn new(max_age: Duration, max_entries: usize) -> Self {
        Self {
            kept: Mutex::default(),
            max_age,
            max_entries,
            max_bytes: Self::DEFAULT_MAX_BYTES,
        }
    }

    /// Keeps the newest entries that take no more than `bytes` in memory.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditEntry {
    /// About how many bytes it takes in memory. Texts that entries share are counted with each.
    fn size(&self) -> usize {
        let outcome = match &self.outcome {
            Outcome::Accepted { events, .. } => events.len() * size_of::<AuditedEvent>(),
            Outcome::Rejected { code, message } => code.len() + message.len(),
            Outcome::Conflict => 0,
            Outcome::Failed { message } => message.len(),
        };
        let texts = self.id.as_str().len()
            + self.correlation_id.len()
            + self.causation_id.as_ref().map_or(0, |id| id.len());
        size_of::<Self>() + texts + outcome
    }
}

#[async_trait]
impl AuditTrail for MemoryAudit {
    fn record(&self, entry: AuditEntry) {
        let oldest = entry
            .time
            .checked_sub(self.max_age)
            .unwrap_or(Timestamp::MIN);
        let size = entry.size();
        let mut kept = self.kept();
        kept.entries.push_back(entry);
        kept.bytes += size;
        while kept.entries.len() > self.max_entries
            || kept.bytes > self.max_bytes
            || kept
                .entries
                .front()
                .is_some_and(|first| first.time < oldest)
        {
            let dropped = kept.entries.pop_front();
            kept.bytes -= dropped.map_or(0, |entry| entry.size());
        }
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, super::error::StoreError> {
        let kept = self.kept();
        let entries = kept.entries.iter();
        Ok(entries
            .rev()
            .filter(|entry| query.matches(entry))
            .take(query.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, time: Timestamp) -> AuditEntry {
        AuditEntry {
            time,
            command: "BookRoom".into(),
            id: CommandId::new(id).unwrap(),
            correlation_id: "c".into(),
            causation_id: None,
            source: "test".into(),
            outcome: Outcome::Conflict,
        }
    }

    #[tokio::test]
    async fn entries_are_kept_for_a_time_and_up_to_a_number() {
        let audit = MemoryAudit::new(Duration::from_secs(10), 2);
        let ids = async || -> Vec<String> {
            let entries = audit.query(&AuditQuery::new()).await.unwrap();
            entries.iter().map(|entry| entry.id.to_string()).collect()
        };
        let start = Timestamp::UNIX_EPOCH;
        for (id, second) in [("a", 0), ("b", 1), ("c", 2)] {
            audit.record(entry(id, start + Duration::from_secs(second)));
        }
        assert_eq!(ids().await, ["c", "b"]);
        audit.record(entry("d", start + Duration::from_secs(12)));
        assert_eq!(ids().await, ["d", "c"]);
        audit.record(entry("e", start + Duration::from_secs(60)));
        assert_eq!(ids().await, ["e"]);
    }
    #[tokio::test]
    async fn entries_are_kept_up_to_a_number_of_bytes_however_large_they_are() {
        let size = entry("a", Timestamp::UNIX_EPOCH).size();
        let audit = MemoryAudit::default().max_bytes(4 * size);
        let small = || entry("a", Timestamp::UNIX_EPOCH);
        let of_size = |bytes: usize| AuditEntry {
            outcome: Outcome::Failed {
                message: "x".repeat(bytes).into(),
            },
            ..small()
        };
        let lens = async || audit.query(&AuditQuery::new()).await.unwrap().len();
        for _ in 0..10 {
            audit.record(small());
        }
        assert_eq!(lens().await, 4);
        audit.record(of_size(2 * size));
        assert_eq!(lens().await, 2, "a large one stands for three");
        audit.record(of_size(5 * size));
        assert_eq!(lens().await, 0, "one that is larger than all is not kept");
        audit.record(small());
        assert_eq!(lens().await, 1);
    }
}
