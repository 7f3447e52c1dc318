//! Loading what a command decides on.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::{ExecuteError, Execution};
use crate::state::ErasedSlot;
use crate::store::{Appended, Load, Loaded};
use crate::{Position, Subject};

/// Whether all of a state was read from the store for this execution.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Cached,
    Read,
}

impl Execution<'_> {
    /// Loads the states: the guarded ones from the cache if they are there, the others from the store.
    pub(super) async fn load<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        floor: Option<&(Subject, Position)>,
    ) -> Result<Freshness, ExecuteError<R>> {
        let mut freshness = Freshness::Read;
        let mut from_store = Vec::with_capacity(slots.len());
        for (i, slot) in slots.iter_mut().enumerate() {
            // No guard will tell that an unguarded state was stale, so its tail is always read.
            if self.app.cache.restore(&mut **slot) && slot.guarded() {
                freshness = Freshness::Cached;
            } else {
                from_store.push(i);
            }
        }
        self.read(slots, &from_store, floor).await?;
        Ok(freshness)
    }

    /// Reads what is new of every state; whether there was something.
    pub(super) async fn refresh<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        floor: Option<&(Subject, Position)>,
    ) -> Result<bool, ExecuteError<R>> {
        let all: Vec<_> = (0..slots.len()).collect();
        self.read(slots, &all, floor).await
    }

    async fn read<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        which: &[usize],
        floor: Option<&(Subject, Position)>,
    ) -> Result<bool, ExecuteError<R>> {
        let loads = which.iter().map(|&i| {
            let (subject, after) = (slots[i].subject().clone(), slots[i].revision());
            let floor = floor
                .filter(|(s, _)| *s == subject)
                .map_or(after, |(_, p)| *p);
            let log = self.log_of(&*slots[i]);
            self.app.store.load(Load {
                log,
                subject,
                after,
                floor,
            })
        });
        let loaded = match which {
            [] => return Ok(false),
            // The usual case needs no list of futures.
            [_] => {
                let mut loads = loads;
                let Some(load) = loads.next() else {
                    return Ok(false);
                };
                vec![load.await.map_err(ExecuteError::Store)?]
            }
            _ => try_join_all(loads).await.map_err(ExecuteError::Store)?,
        };
        let mut changed = false;
        for (&i, Loaded { events, revision }) in which.iter().zip(loaded) {
            let slot = &mut *slots[i];
            if revision == slot.revision() {
                continue;
            }
            changed = true;
            // So that a state that only the cache shares is changed in place.
            self.app.cache.release(slot);
            for event in &events {
                let applied = slot.apply(event).and_then(|handled| {
                    if handled {
                        Ok(())
                    } else {
                        self.app.vocabulary.check(event)
                    }
                });
                applied.map_err(|error| ExecuteError::Undecodable {
                    log: self.log_of(slot),
                    error,
                })?;
            }
            slot.set_revision(revision);
        }
        Ok(changed)
    }

    /// The log of a state: an unguarded one may be in another log than what the command writes.
    fn log_of(&self, slot: &dyn ErasedSlot) -> Arc<str> {
        match slot.log() {
            None => self.app.model.name().clone(),
            Some(log) if *log == *self.route.log => self.route.log.clone(),
            Some(log) => log.into(),
        }
    }

    /// The revision of an instance that is written without being decided on.
    pub(super) async fn tail<R>(&self, subject: &Subject) -> Result<Position, ExecuteError<R>> {
        if let Some(revision) = self.app.cache.tail(subject) {
            return Ok(revision);
        }
        self.app
            .store
            .revision(&self.route.log, subject)
            .await
            .map_err(ExecuteError::Store)
    }

    /// Keeps the states for the next command.
    pub(super) fn save(&self, slots: &[&mut dyn ErasedSlot]) {
        for slot in slots {
            self.app.cache.save(&**slot);
        }
    }

    /// Drops what was cached of these states, and of these instances that are written without a state.
    pub(super) fn forget(&self, slots: &[&mut dyn ErasedSlot], written: &[Subject]) {
        for slot in slots {
            self.app.cache.release(&**slot);
        }
        for subject in written {
            self.app.cache.forget_tail(subject);
        }
    }

    /// Folds in what was just appended, and keeps the states for the next command.
    pub(super) fn remember(&self, slots: &mut [&mut dyn ErasedSlot], appended: &Appended) {
        for slot in slots.iter_mut() {
            let slot = &mut **slot;
            let Some(guard) = appended
                .revisions
                .iter()
                .find(|g| g.subject == *slot.subject())
            else {
                self.app.cache.save(slot);
                continue;
            };
            self.app.cache.release(slot);
            // A receipt of an earlier execution says nothing of what came between; it is not folded in.
            let folded = !appended.already_committed
                && appended.events.iter().all(|event| {
                    let here = event.metadata().subjects.contains(slot.subject());
                    !here || slot.apply(event).is_ok()
                });
            if folded {
                slot.set_revision(guard.expected);
                self.app.cache.save(slot);
            }
        }
        for guard in &appended.revisions {
            if !slots.iter().any(|slot| *slot.subject() == guard.subject) {
                self.app.cache.save_tail(&guard.subject, guard.expected);
            }
        }
    }
}
