//! Snapshots: the states after an append, to be kept beside its events; and states that start from one.

use std::io;

use serde::de::Error as _;

use super::Execution;
use super::load::{Unfolded, apply};
use crate::model::ErasedSlot;
use crate::record::{Position, RecordedEvent};
use crate::store::{Append, InvalidAppend, Loaded, Snapshot};
use crate::trouble::panics;

/// A state as it will be after an append that has not been made yet.
pub(super) struct Folded {
    /// Which of the states it is.
    pub(super) slot: usize,
    pub(super) state: Box<dyn ErasedSlot>,
}

impl Execution<'_> {
    /// The fold of the snapshots that this state may start from, if any.
    pub(super) fn fold_of(&self, slot: &dyn ErasedSlot) -> Option<u64> {
        self.app.snapshots.as_ref()?.fold_of(slot)
    }

    /// Adds the states as they will be after the append. Returns each folded state, so that it need not be folded
    /// again.
    pub(super) fn with_snapshots(
        &self,
        append: Append,
        slots: &[&mut dyn ErasedSlot],
    ) -> Result<(Append, Vec<Folded>), InvalidAppend> {
        let Some(kept) = &self.app.snapshots else {
            return Ok((append, Vec::new()));
        };
        let (mut snapshots, mut folded) = (Vec::<Snapshot>::new(), Vec::new());
        let mut events = Vec::new();
        for (i, slot) in slots.iter().enumerate() {
            let fold = kept.fold_of(&**slot);
            let Some(fold) = fold.filter(|_| is_continued(&**slot, &append)) else {
                continue;
            };
            if events.is_empty() {
                let unrecorded = append.events().iter().cloned();
                events.extend(unrecorded.map(|event| RecordedEvent::new(event, Position::START)));
            }
            let mut state = slot.copy();
            // An event that cannot be folded is stored nevertheless; the next load reports it.
            if apply_all(&mut *state, &events).is_err() {
                continue;
            }
            let here: Vec<_> = snapshots
                .iter()
                .filter(|snapshot| snapshot.subject == *state.subject())
                .collect();
            if !here.iter().any(|snapshot| snapshot.fold == fold) {
                let used: usize = here.iter().map(|snapshot| snapshot.state.len()).sum();
                let room = kept.max.saturating_sub(used);
                let encoded = panics::caught(|| encode(&*state, room));
                match encoded.map_err(serde_json::Error::custom).flatten() {
                    Ok(encoded) => snapshots.push(Snapshot {
                        subject: state.subject().clone(),
                        fold,
                        state: encoded.into(),
                    }),
                    Err(error) => {
                        let (state, subject) = (state.info().ty.name, state.subject());
                        tracing::debug!(state, %subject, %error, "not kept as a snapshot");
                    }
                }
            }
            folded.push(Folded { slot: i, state });
        }
        Ok((append.with_snapshots(snapshots)?, folded))
    }
}

/// Whether the append continues this state: once it is stored, no event lies between the two.
fn is_continued(slot: &dyn ErasedSlot, append: &Append) -> bool {
    let mut guards = append.guards().iter();
    let mut events = append.events().iter();
    slot.guarded()
        && guards.any(|g| g.subject == *slot.subject() && g.expected == slot.revision())
        && events.any(|event| event.metadata.subjects.contains(slot.subject()))
}

/// Folds in the events that are on the instance.
pub(super) fn apply_all(
    slot: &mut dyn ErasedSlot,
    events: &[RecordedEvent],
) -> Result<(), Unfolded> {
    for event in events {
        if event.metadata().subjects.contains(slot.subject()) {
            apply(slot, event)?;
        }
    }
    Ok(())
}

/// Starts the state from the loaded snapshot, if there is one; `false` if the snapshot cannot be used.
pub(super) fn starts_from_snapshot(slot: &mut dyn ErasedSlot, loaded: &Loaded) -> bool {
    let Some(snapshot) = &loaded.snapshot else {
        return true;
    };
    // What is after it is there.
    let is_whole = match loaded.items.first() {
        Some(next) => snapshot.position < next.position(),
        None => snapshot.position == loaded.revision,
    };
    if !is_whole {
        return false;
    }
    let read = panics::caught(|| slot.decode(&snapshot.state, snapshot.position));
    let read = read.map_err(serde_json::Error::custom).flatten();
    if let Err(error) = &read {
        let (state, subject) = (slot.info().ty.name, slot.subject());
        tracing::debug!(state, %subject, %error, "a snapshot is discarded");
    }
    read.is_ok()
}

/// Writes a state, up to a maximum length.
fn encode(slot: &dyn ErasedSlot, max: usize) -> Result<Vec<u8>, serde_json::Error> {
    let mut to = Bounded {
        bytes: Vec::new(),
        max,
    };
    slot.encode(&mut to)?;
    Ok(to.bytes)
}

/// A writer that stops at its maximum, so that a large state is not written to its end.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.max - self.bytes.len() {
            let reason = format!("there is room for {} bytes", self.max);
            return Err(io::Error::other(reason));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
