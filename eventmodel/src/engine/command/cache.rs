//! States of stream instances, kept between commands.
//!
//! A cached state may be stale, because another process may have written. The guard of an append finds that out. Before
//! the engine believes a decision that appends nothing, it compares the state with the store.

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

/// Marks an instance that is written without being decided on; only its revision is kept.
struct Tail;

impl StateCache {
    pub(in crate::engine) fn new(instances: usize) -> Self {
        Self((instances > 0).then(|| Cache::new(instances)))
    }

    /// Fills the slot if its state is cached.
    pub(super) fn restore(&self, slot: &mut dyn ErasedSlot) -> bool {
        let key = (slot.projection_id(), slot.subject().clone());
        let Some(cached) = self.0.as_ref().and_then(|cache| cache.get(&key)) else {
            return false;
        };
        slot.restore(cached.state, cached.revision);
        true
    }

    /// Removes the state if the slot shares it, so that the slot can change it in place.
    pub(super) fn unshare(&self, slot: &dyn ErasedSlot) {
        if slot.is_shared() {
            self.release(slot);
        }
    }

    /// Removes the state.
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

    /// Drops states that were found to be stale, and the revisions of instances that the append writes without a state.
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
            // The receipt of an earlier execution does not tell what came since, so its events are not folded in.
            if appended.already_committed {
                continue;
            }
            if let Some(at) = folded.iter().position(|folded| folded.slot == i) {
                slot.restore(folded.swap_remove(at).state.save(), guard.expected);
                self.save(slot);
                continue;
            }
            // The events are stored even if the fold fails. The next load of the state reports the failure.
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
