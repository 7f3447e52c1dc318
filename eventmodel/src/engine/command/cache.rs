//! States of stream instances, kept between commands.
//!
//! A cached state may be stale: another process may have written. That is found by the guard when a decision is
//! appended, and looked at before a decision that appends nothing is believed.

use std::any::{Any, TypeId};
use std::sync::Arc;

use quick_cache::sync::Cache;

use super::snapshots::{Folded, apply_all};
use crate::model::ErasedSlot;
use crate::record::{Position, Subject};
use crate::store::{Append, Appended};

pub(in crate::engine) struct StateCache(Option<Cache<(TypeId, Subject), Cached>>);

#[derive(Clone)]
struct Cached {
    state: Arc<dyn Any + Send + Sync>,
    revision: Position,
}

/// Stands for an instance that is written without being decided on: only its revision matters.
struct Tail;

impl StateCache {
    pub(in crate::engine) fn new(instances: usize) -> Self {
        Self((instances > 0).then(|| Cache::new(instances)))
    }

    /// Fills the slot, if its state is here.
    pub(super) fn restore(&self, slot: &mut dyn ErasedSlot) -> bool {
        let key = (slot.projection_id(), slot.subject().clone());
        let Some(cached) = self.0.as_ref().and_then(|cache| cache.get(&key)) else {
            return false;
        };
        slot.restore(cached.state, cached.revision);
        true
    }

    /// Takes the state out if it is shared with the slot, so that the slot can change it in place.
    pub(super) fn unshare(&self, slot: &dyn ErasedSlot) {
        if slot.is_shared() {
            self.release(slot);
        }
    }

    /// Takes the state out.
    pub(super) fn release(&self, slot: &dyn ErasedSlot) {
        if let Some(cache) = &self.0 {
            cache.remove(&(slot.projection_id(), slot.subject().clone()));
        }
    }

    pub(super) fn save(&self, slot: &dyn ErasedSlot) {
        if let Some(cache) = &self.0 {
            let cached = Cached {
                state: slot.save(),
                revision: slot.revision(),
            };
            cache.insert((slot.projection_id(), slot.subject().clone()), cached);
        }
    }

    pub(super) fn tail(&self, subject: &Subject) -> Option<Position> {
        let key = (TypeId::of::<Tail>(), subject.clone());
        Some(self.0.as_ref()?.get(&key)?.revision)
    }

    pub(super) fn forget_tail(&self, subject: &Subject) {
        if let Some(cache) = &self.0 {
            cache.remove(&(TypeId::of::<Tail>(), subject.clone()));
        }
    }

    pub(super) fn save_tail(&self, subject: &Subject, revision: Position) {
        if let Some(cache) = &self.0 {
            let cached = Cached {
                state: Arc::new(()),
                revision,
            };
            cache.insert((TypeId::of::<Tail>(), subject.clone()), cached);
        }
    }

    /// Keeps the states for the next command.
    pub(super) fn save_all(&self, slots: &[&mut dyn ErasedSlot]) {
        for slot in slots {
            self.save(&**slot);
        }
    }

    /// Drops what is here of states that were found to be stale, and of what the append writes without a state.
    pub(super) fn forget(&self, slots: &[&mut dyn ErasedSlot], append: &Append) {
        for slot in slots {
            self.release(&**slot);
        }
        for guard in append.guards() {
            self.forget_tail(&guard.subject);
        }
    }

    /// Folds in what was just appended, and keeps the states for the next command.
    pub(super) fn remember(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        appended: &Appended,
        mut folded: Vec<Folded>,
    ) {
        for (i, slot) in slots.iter_mut().enumerate() {
            let slot = &mut **slot;
            let Some(guard) = appended
                .revisions
                .iter()
                .find(|g| g.subject == *slot.subject())
            else {
                self.save(slot);
                continue;
            };
            self.unshare(slot);
            // A receipt of an earlier execution says nothing of what came between; it is not folded in.
            if appended.already_committed {
                continue;
            }
            if let Some(at) = folded.iter().position(|folded| folded.slot == i) {
                slot.restore(folded.swap_remove(at).state.save(), guard.expected);
                self.save(slot);
                continue;
            }
            // Whatever the fold does, the events are stored. Who loads the state is told.
            match apply_all(slot, &appended.events) {
                Ok(()) => {
                    slot.set_revision(guard.expected);
                    self.save(slot);
                }
                Err(error) => {
                    let (state, subject) = (slot.info().ty.name, slot.subject());
                    tracing::error!(state, %subject, %error, "a state cannot be folded; its events are stored");
                }
            }
        }
        for guard in &appended.revisions {
            if !slots.iter().any(|slot| *slot.subject() == guard.subject) {
                self.save_tail(&guard.subject, guard.expected);
            }
        }
    }
}
