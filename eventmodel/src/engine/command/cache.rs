//! States of stream instances, kept between commands.
//!
//! A cached state may be stale: another process may have written. That is found by the guard when a decision is
//! appended, and looked at before a decision that appends nothing is believed.

use std::any::{Any, TypeId};
use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::model::ErasedSlot;
use crate::record::{Position, Subject};

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
    pub(in crate::engine) fn restore(&self, slot: &mut dyn ErasedSlot) -> bool {
        let key = (slot.projection_id(), slot.subject().clone());
        let Some(cached) = self.0.as_ref().and_then(|cache| cache.get(&key)) else {
            return false;
        };
        slot.restore(cached.state, cached.revision);
        true
    }

    /// Takes the state out if it is shared with the slot, so that the slot can change it in place.
    pub(in crate::engine) fn unshare(&self, slot: &dyn ErasedSlot) {
        if slot.is_shared() {
            self.release(slot);
        }
    }

    /// Takes the state out.
    pub(in crate::engine) fn release(&self, slot: &dyn ErasedSlot) {
        if let Some(cache) = &self.0 {
            cache.remove(&(slot.projection_id(), slot.subject().clone()));
        }
    }

    pub(in crate::engine) fn save(&self, slot: &dyn ErasedSlot) {
        if let Some(cache) = &self.0 {
            let cached = Cached {
                state: slot.save(),
                revision: slot.revision(),
            };
            cache.insert((slot.projection_id(), slot.subject().clone()), cached);
        }
    }

    pub(in crate::engine) fn tail(&self, subject: &Subject) -> Option<Position> {
        let key = (TypeId::of::<Tail>(), subject.clone());
        Some(self.0.as_ref()?.get(&key)?.revision)
    }

    pub(in crate::engine) fn forget_tail(&self, subject: &Subject) {
        if let Some(cache) = &self.0 {
            cache.remove(&(TypeId::of::<Tail>(), subject.clone()));
        }
    }

    pub(in crate::engine) fn save_tail(&self, subject: &Subject, revision: Position) {
        if let Some(cache) = &self.0 {
            let cached = Cached {
                state: Arc::new(()),
                revision,
            };
            cache.insert((TypeId::of::<Tail>(), subject.clone()), cached);
        }
    }
}
