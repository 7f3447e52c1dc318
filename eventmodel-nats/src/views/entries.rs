//! A batch of consecutive events, folded into the entries of a view and written.
//!
//! An entry and its positions are one value, and every write names the value that it replaces. So whatever is lost,
//! late, or done by another process, an entry holds an event once: a process that finds the entry further on reads it
//! and skips what is in it. An entry must be the fold of all events of its key, so a read counts only after the bucket
//! has proved to be the one that holds everything up to the checkpoint.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eventmodel::StoreError;
use eventmodel::store::{NotApplied, ViewEvent};
use futures_util::{StreamExt, TryStreamExt, stream};
use quick_cache::sync::Cache;

use super::bucket::Put;
use super::build::{Build, Entry};

/// How many entries to read or write at the same time.
const IN_FLIGHT: usize = 256;

/// How often to write an entry that others write at the same time.
const ATTEMPTS: u32 = 100;

/// What this process knows of the bucket.
#[derive(Debug)]
pub(super) struct Known {
    /// The entries may be out of date: a write tells.
    entries: Cache<Arc<str>, Entry>,
    /// Whether an unknown entry probably does not exist.
    is_complete: bool,
    /// How many entries fit.
    room: usize,
}

impl Known {
    pub(super) fn new(entries: usize, is_new: bool) -> Self {
        Self {
            entries: Cache::new(entries),
            is_complete: is_new,
            room: entries,
        }
    }

    /// Forgets everything: other processes have written.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
        self.is_complete = false;
    }
}

/// The entry of a key with what the batch adds to it.
struct Draft {
    key: Arc<str>,
    entry: Entry,
    /// The numbers of the events that are for it.
    events: Vec<usize>,
    /// Whether this batch read the entry from the bucket.
    was_read: bool,
}

/// Applies events to the entries of these keys, and writes them. On success all of them are stored.
pub(super) async fn apply(
    build: &Build,
    known: &mut Known,
    events: &[ViewEvent],
    keys: &[(usize, Arc<str>)],
) -> Result<(), NotApplied> {
    let mut by_key: HashMap<&Arc<str>, Vec<usize>> = HashMap::new();
    for (event, key) in keys {
        by_key.entry(key).or_default().push(*event);
    }
    let reads: Vec<_> = by_key
        .into_iter()
        .map(|(key, numbers)| draft(build, known, key.clone(), numbers))
        .collect();
    let drafts = stream::iter(reads).buffer_unordered(IN_FLIGHT);
    let drafts: Vec<Draft> = drafts.try_collect().await?;
    if drafts.iter().any(|draft| draft.was_read) {
        build.bucket.verify().await?;
    }
    let mut changed = Vec::new();
    let mut stuck: Option<NotApplied> = None;
    for mut draft in drafts {
        match fold(build, &mut draft, events) {
            Ok(true) => changed.push(draft),
            Ok(false) => known.entries.insert(draft.key, draft.entry),
            // The first failure counts: nothing after it may be applied.
            Err(other) if stuck.as_ref().is_none_or(|first| other.at < first.at) => {
                stuck = Some(other);
            }
            Err(_) => {}
        }
    }
    if let Some(stuck) = stuck {
        return Err(stuck);
    }
    let writes: Vec<_> = changed
        .into_iter()
        .map(|draft| write(build, known, draft, events))
        .collect();
    let mut writes = stream::iter(writes).buffer_unordered(IN_FLIGHT);
    while let Some(written) = writes.next().await {
        written?;
    }
    drop(writes);
    known.is_complete &= known.entries.len() < known.room / 2;
    Ok(())
}

async fn draft(
    build: &Build,
    known: &Known,
    key: Arc<str>,
    events: Vec<usize>,
) -> Result<Draft, StoreError> {
    let (entry, was_read) = match known.entries.get(&key) {
        Some(entry) => (entry, false),
        None if known.is_complete => (build.nothing(), false),
        None => {
            let entry = build.load(&key).await?;
            (entry.unwrap_or_else(|| build.nothing()), true)
        }
    };
    Ok(Draft {
        key,
        entry,
        events,
        was_read,
    })
}

/// Applies the events that the entry lacks; whether there were any.
fn fold(build: &Build, draft: &mut Draft, events: &[ViewEvent]) -> Result<bool, NotApplied> {
    let mut changed = false;
    let entry = &mut draft.entry;
    for number in &draft.events {
        let ViewEvent { log, event, .. } = &events[*number];
        let (log, position) = (*log, event.position());
        if entry.has(log, position) {
            continue;
        }
        let applied = build.definition.apply(&mut entry.state, event);
        applied.map_err(|error| NotApplied::at(*number, error))?;
        entry.positions.advance(log, position);
        entry.log = log;
        changed = true;
    }
    Ok(changed)
}

/// Writes an entry. If another one is there, adds to that what it lacks.
async fn write(
    build: &Build,
    known: &Known,
    mut draft: Draft,
    events: &[ViewEvent],
) -> Result<(), NotApplied> {
    // Its old value no longer holds, even if the server never answers.
    known.entries.remove(&draft.key);
    for attempt in 0..ATTEMPTS {
        if let Put::Stored(sequence) = build.store(&draft.key, &draft.entry).await? {
            draft.entry.sequence = sequence;
            known.entries.insert(draft.key, draft.entry);
            return Ok(());
        }
        let before = draft.entry.sequence;
        draft.entry = build
            .load(&draft.key)
            .await?
            .unwrap_or_else(|| build.nothing());
        build.bucket.verify().await?;
        if draft.entry.sequence == before {
            // Another write is under way, still invisible.
            tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(20)) + 1)).await;
        }
        if !fold(build, &mut draft, events)? {
            known.entries.insert(draft.key, draft.entry);
            return Ok(());
        }
    }
    Err(NotApplied::from(StoreError::Unavailable {
        reason: format!(
            "the instance `{}` in the bucket `{}` is written by others all the time",
            draft.key, build.bucket.name
        ),
    }))
}
