//! The audit trail of the newest commands.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::store::{AuditEntry, AuditQuery, AuditTrail, AuditedEvent, Outcome, StoreError};

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

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
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
    use crate::record::CommandId;

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
