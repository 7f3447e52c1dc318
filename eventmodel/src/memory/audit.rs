//! The audit trail of the newest commands.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Buf;
use jiff::Timestamp;

use crate::record::{CommandId, Position};
use crate::store::{AuditEntry, AuditQuery, AuditTrail, AuditedEvent, Outcome, StoreError};

/// Keeps the newest entries of the audit trail in memory. *Default:* 14 days, 100,000 entries and 64 MiB at most.
#[derive(Debug)]
pub struct MemoryAudit {
    kept: Mutex<Entries>,
    max_age: Duration,
    max_entries: usize,
    max_bytes: usize,
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

    /// Keeps the newest entries that take no more than `bytes` in memory. They stand in pages of 64 KiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditTrail for MemoryAudit {
    fn record(&self, entry: AuditEntry) {
        let oldest = entry
            .time
            .checked_sub(self.max_age)
            .unwrap_or(Timestamp::MIN);
        let mut kept = self.kept();
        kept.push(&entry);
        while kept.count > self.max_entries
            || kept.bytes > self.max_bytes
            || kept.first_time().is_some_and(|first| first < oldest)
        {
            kept.drop_first();
        }
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        // Commands do not wait for a query: it reads the pages as they are now.
        let kept = self.kept().clone();
        Ok(kept
            .newest_first()
            .filter_map(Kept::read)
            .filter(|kept| query.asks_for(kept.command, kept.id, kept.correlation_id, kept.time))
            .filter_map(Kept::entry)
            .take(query.limit.unwrap_or(usize::MAX))
            .collect())
    }
}

/// Entries, written one behind the other into pages. Entries that were kept as they come would hold on to a few small
/// blocks of memory each, between which the allocator has to find room for all that is short-lived.
///
/// The length of an entry stands before and behind it: the oldest one is dropped, and the newest one is read first.
#[derive(Clone, Default)]
struct Entries {
    pages: VecDeque<Arc<Vec<u8>>>,
    /// Where the oldest entry starts in the first page.
    first: usize,
    count: usize,
    /// What the entries take, with their lengths.
    bytes: usize,
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("count", &self.count)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// How many bytes a length takes.
const LENGTH: usize = size_of::<u64>();

impl Entries {
    /// A page that has so many bytes takes no more entries.
    const FULL_PAGE: usize = 64 * 1024;
    /// What the last entry of a page may take before the page has to grow.
    const LAST_ENTRY: usize = 4 * 1024;

    fn push(&mut self, entry: &AuditEntry) {
        let last = self.pages.back();
        if last.is_none_or(|page| page.len() >= Self::FULL_PAGE) {
            let page = Vec::with_capacity(Self::FULL_PAGE + Self::LAST_ENTRY);
            self.pages.push_back(Arc::new(page));
        }
        if let Some(page) = self.pages.back_mut() {
            let page = Arc::make_mut(page);
            let start = page.len();
            page.extend_from_slice(&[0; LENGTH]);
            write(entry, page);
            let length = (page.len() - start - LENGTH) as u64;
            page[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
            page.extend_from_slice(&length.to_be_bytes());
            self.count += 1;
            self.bytes += page.len() - start;
        }
    }

    fn first_time(&self) -> Option<Timestamp> {
        time(&mut self.pages.front()?.get(self.first + LENGTH..)?)
    }

    fn drop_first(&mut self) {
        let Some(page) = self.pages.front() else {
            return;
        };
        let size = length(&page[self.first..]) + 2 * LENGTH;
        self.first += size;
        self.count -= 1;
        self.bytes -= size;
        if self.first == page.len() {
            self.pages.pop_front();
            self.first = 0;
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &[u8]> {
        let pages = self.pages.iter().enumerate().rev();
        pages.flat_map(|(n, page)| {
            let mut left = &page[if n == 0 { self.first } else { 0 }..];
            std::iter::from_fn(move || {
                let end = left.len().checked_sub(LENGTH)?;
                let start = end - length(&left[end..]);
                let entry = &left[start..end];
                left = &left[..start - LENGTH];
                Some(entry)
            })
        })
    }
}

/// The length at the start of these bytes, which [`Entries::push`] has written.
fn length(mut bytes: &[u8]) -> usize {
    usize::try_from(bytes.get_u64()).unwrap_or(usize::MAX)
}

/// How an outcome starts.
mod outcome {
    pub(super) const ACCEPTED: u8 = 0;
    pub(super) const COMMITTED_BEFORE: u8 = 1;
    pub(super) const REJECTED: u8 = 2;
    pub(super) const CONFLICT: u8 = 3;
    pub(super) const FAILED: u8 = 4;
}

fn write(entry: &AuditEntry, page: &mut Vec<u8>) {
    page.extend_from_slice(&entry.time.as_second().to_be_bytes());
    page.extend_from_slice(&entry.time.subsec_nanosecond().to_be_bytes());
    put(page, &entry.command);
    put(page, entry.id.as_str());
    put(page, &entry.correlation_id);
    put(page, &entry.source);
    page.push(entry.causation_id.is_some().into());
    if let Some(id) = &entry.causation_id {
        put(page, id);
    }
    match &entry.outcome {
        Outcome::Accepted {
            events,
            already_committed,
        } => {
            page.push(if *already_committed {
                outcome::COMMITTED_BEFORE
            } else {
                outcome::ACCEPTED
            });
            for event in events {
                put(page, &event.event_type);
                page.extend_from_slice(&event.position.get().to_be_bytes());
            }
        }
        Outcome::Rejected { code, message } => {
            page.push(outcome::REJECTED);
            put(page, code);
            page.extend_from_slice(message.as_bytes());
        }
        Outcome::Conflict => page.push(outcome::CONFLICT),
        Outcome::Failed { message } => {
            page.push(outcome::FAILED);
            page.extend_from_slice(message.as_bytes());
        }
    }
}

fn put(page: &mut Vec<u8>, text: &str) {
    page.extend_from_slice(&(text.len() as u64).to_be_bytes());
    page.extend_from_slice(text.as_bytes());
}

/// An entry as it is read from a page: what is asked for is found without a copy of what is not.
struct Kept<'a> {
    time: Timestamp,
    command: &'a str,
    id: &'a str,
    correlation_id: &'a str,
    source: &'a str,
    causation_id: Option<&'a str>,
    outcome: &'a [u8],
}

impl<'a> Kept<'a> {
    fn read(mut entry: &'a [u8]) -> Option<Self> {
        Some(Self {
            time: time(&mut entry)?,
            command: text(&mut entry)?,
            id: text(&mut entry)?,
            correlation_id: text(&mut entry)?,
            source: text(&mut entry)?,
            causation_id: match entry.try_get_u8().ok()? {
                0 => None,
                _ => Some(text(&mut entry)?),
            },
            outcome: entry,
        })
    }

    fn entry(self) -> Option<AuditEntry> {
        Some(AuditEntry {
            time: self.time,
            command: self.command.into(),
            id: CommandId::new(self.id).ok()?,
            correlation_id: self.correlation_id.into(),
            causation_id: self.causation_id.map(Into::into),
            source: self.source.into(),
            outcome: read_outcome(self.outcome)?,
        })
    }
}

fn read_outcome(mut rest: &[u8]) -> Option<Outcome> {
    let kind = rest.try_get_u8().ok()?;
    Some(match kind {
        outcome::ACCEPTED | outcome::COMMITTED_BEFORE => {
            let mut events = Vec::new();
            while !rest.is_empty() {
                events.push(AuditedEvent {
                    event_type: text(&mut rest)?.into(),
                    position: Position::new(rest.try_get_u64().ok()?),
                });
            }
            Outcome::Accepted {
                events,
                already_committed: kind == outcome::COMMITTED_BEFORE,
            }
        }
        outcome::REJECTED => Outcome::Rejected {
            code: text(&mut rest)?.into(),
            message: std::str::from_utf8(rest).ok()?.into(),
        },
        outcome::CONFLICT => Outcome::Conflict,
        outcome::FAILED => Outcome::Failed {
            message: std::str::from_utf8(rest).ok()?.into(),
        },
        _ => return None,
    })
}

fn time(bytes: &mut &[u8]) -> Option<Timestamp> {
    let (second, nanosecond) = (bytes.try_get_i64().ok()?, bytes.try_get_i32().ok()?);
    Timestamp::new(second, nanosecond).ok()
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
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
        let size = {
            let mut kept = Entries::default();
            kept.push(&entry("a", Timestamp::UNIX_EPOCH));
            kept.bytes
        };
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

    #[tokio::test]
    async fn entries_come_back_as_they_were_noted_on_whatever_page_they_stand() {
        const ALL: usize = 3_000;
        const KEPT: usize = 2_000;

        let event = |event_type: &str, position| AuditedEvent {
            event_type: event_type.into(),
            position: Position::new(position),
        };
        let outcome = |n: usize| match n % 6 {
            0 => Outcome::Accepted {
                events: vec![event("RoomBooked", 1), event("Bezahlt für 2 €", u64::MAX)],
                already_committed: false,
            },
            1 => Outcome::Accepted {
                events: vec![],
                already_committed: true,
            },
            2 => Outcome::Rejected {
                code: "".into(),
                message: "ä \0\n".into(),
            },
            3 => Outcome::Conflict,
            4 => Outcome::Failed { message: "".into() },
            // Every other one of them is larger than a page.
            _ => Outcome::Failed {
                message: "x".repeat(n % 12 * 10_000).into(),
            },
        };
        let noted: Vec<AuditEntry> = (0..ALL)
            .map(|n| AuditEntry {
                causation_id: [None, Some("".into()), Some("a/0".into())][n % 3].clone(),
                outcome: outcome(n),
                ..entry(&n.to_string(), Timestamp::now())
            })
            .collect();
        let audit = MemoryAudit::new(Duration::MAX, KEPT);
        for entry in &noted {
            audit.record(entry.clone());
        }
        let found = audit.query(&AuditQuery::new()).await.unwrap();
        assert!(found.iter().eq(noted[ALL - KEPT..].iter().rev()));
        let limited = audit.query(&AuditQuery::new().limit(3)).await.unwrap();
        assert_eq!(limited, found[..3]);
    }
}
