//! Loading what a command decides on.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::snapshots::{Folded, apply_all, starts_from_snapshot};
use super::{ExecuteError, Execution, Panicked};
use crate::model::ErasedSlot;
use crate::record::{DecodeError, Position, RecordedEvent, Subject};
use crate::store::{Appended, Load, Loaded};
use crate::trouble::panics;

/// Some of the states of a command, by their numbers. Usually there is one; a state written by hand may have any number.
#[derive(Default)]
pub(super) struct Which(Vec<usize>);

impl Which {
    pub(super) fn all(slots: &[&mut dyn ErasedSlot]) -> Self {
        Self((0..slots.len()).collect())
    }

    pub(super) fn guarded(slots: &[&mut dyn ErasedSlot]) -> Self {
        Self((0..slots.len()).filter(|i| slots[*i].guarded()).collect())
    }

    fn add(&mut self, i: usize) {
        self.0.push(i);
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The only one.
    fn single(&self) -> Option<usize> {
        match *self.0 {
            [i] => Some(i),
            _ => None,
        }
    }
}

/// Why an event was not folded into a state. The state may be half of what it should be: it is dropped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfolded {
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    #[error("its handler panicked at position {position}: {message}")]
    Panicked { position: Position, message: String },
}

/// Folds an event in; `false` if the state does not handle it.
pub(super) fn apply(slot: &mut dyn ErasedSlot, event: &RecordedEvent) -> Result<bool, Unfolded> {
    let position = event.position();
    let applied = panics::caught(|| slot.apply(event));
    Ok(applied.map_err(|message| Unfolded::Panicked { position, message })??)
}

impl Execution<'_> {
    /// Loads the states: the guarded ones from the cache if they are there, the others from the store.
    pub(super) async fn load<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
    ) -> Result<(), ExecuteError<R>> {
        let mut from_store = Which::default();
        for (i, slot) in slots.iter_mut().enumerate() {
            // No guard will tell that an unguarded state was stale, so its tail is always read.
            if !(self.app.cache.restore(&mut **slot) && slot.guarded()) {
                from_store.add(i);
            }
        }
        self.read(slots, &from_store, &[]).await
    }

    /// Reads what is new of every state, at least up to the floors.
    pub(super) async fn refresh<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        floors: &[(Subject, Position)],
    ) -> Result<(), ExecuteError<R>> {
        let all = Which::all(slots);
        self.read(slots, &all, floors).await
    }

    /// Whether these states are the newest. Those that are not are read.
    ///
    /// A load may be answered by a replica that lags, a question for a revision may not. All revisions are asked for
    /// after all states were read, so if none has moved there was a moment at which all of them were true.
    pub(super) async fn is_newest<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        which: Which,
    ) -> Result<bool, ExecuteError<R>> {
        let revision = |slot: &dyn ErasedSlot| {
            let (log, subject) = (self.log_of(slot), slot.subject().clone());
            async move { self.revision(&log, &subject).await }
        };
        let revisions = match which.single() {
            Some(i) => vec![revision(&*slots[i]).await?],
            None => try_join_all(which.iter().map(|i| revision(&*slots[i]))).await?,
        };
        let (mut stale, mut floors) = (Which::default(), Vec::new());
        for (i, revision) in which.iter().zip(revisions) {
            // An older one is of a store that lags, or has lost its end: loading finds out.
            if revision != slots[i].revision() {
                stale.add(i);
                floors.push((slots[i].subject().clone(), revision));
            }
        }
        self.read(slots, &stale, &floors).await?;
        Ok(stale.is_empty())
    }

    /// The revision of an instance, as of now.
    pub(super) async fn revision<R>(
        &self,
        log: &Arc<str>,
        subject: &Subject,
    ) -> Result<Position, ExecuteError<R>> {
        let revision = self.app.store.revision(log, subject).await;
        revision.map_err(ExecuteError::Store)
    }

    async fn read<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        which: &Which,
        floors: &[(Subject, Position)],
    ) -> Result<(), ExecuteError<R>> {
        if which.is_empty() {
            return Ok(());
        }
        // The usual case needs no list of futures.
        if let Some(i) = which.single() {
            let load = self.what_is_new(&*slots[i], floors);
            let loaded = self.app.store.load(load).await;
            let loaded = loaded.map_err(ExecuteError::Store)?;
            return self.take(&mut *slots[i], loaded, floors).await;
        }
        let loads = which.iter().map(|i| {
            let load = self.what_is_new(&*slots[i], floors);
            self.app.store.load(load)
        });
        let loaded = try_join_all(loads).await.map_err(ExecuteError::Store)?;
        for (i, loaded) in which.iter().zip(loaded) {
            self.take(&mut *slots[i], loaded, floors).await?;
        }
        Ok(())
    }

    /// Takes what was loaded; the history, if it is a snapshot that cannot be used.
    async fn take<R>(
        &self,
        slot: &mut dyn ErasedSlot,
        mut loaded: Loaded,
        floors: &[(Subject, Position)],
    ) -> Result<(), ExecuteError<R>> {
        if !starts_from_snapshot(slot, &loaded) {
            let load = Load {
                snapshot: None,
                ..self.what_is_new(slot, floors)
            };
            loaded = self
                .app
                .store
                .load(load)
                .await
                .map_err(ExecuteError::Store)?;
        }
        let folded = self.fold(slot, &loaded);
        folded.map_err(|error| self.unfolded(slot, error))
    }

    fn what_is_new(&self, slot: &dyn ErasedSlot, floors: &[(Subject, Position)]) -> Load {
        let after = slot.revision();
        let known = floors
            .iter()
            .filter(|(subject, _)| subject == slot.subject());
        let floor = known.map(|(_, position)| *position).max();
        Load {
            log: self.log_of(slot),
            subject: slot.subject().clone(),
            after,
            floor: floor.map_or(after, |floor| floor.max(after)),
            snapshot: self.fold_of(slot).filter(|_| after == Position::START),
            commands: self.given_id,
        }
    }

    /// Folds in what was loaded.
    fn fold(&self, slot: &mut dyn ErasedSlot, loaded: &Loaded) -> Result<(), Unfolded> {
        if loaded.revision == slot.revision() {
            return Ok(());
        }
        self.app.cache.unshare(slot);
        for event in &loaded.events {
            if !apply(slot, event)? {
                self.app.vocabulary.check(event)?;
            }
        }
        slot.set_revision(loaded.revision);
        Ok(())
    }

    fn unfolded<R>(&self, slot: &dyn ErasedSlot, error: Unfolded) -> ExecuteError<R> {
        let log = self.log_of(slot);
        match error {
            Unfolded::Undecodable(error) => ExecuteError::Undecodable { log, error },
            Unfolded::Panicked { position, message } => ExecuteError::Panicked(Panicked::Handler {
                state: slot.info().ty.name,
                log,
                subject: slot.subject().clone(),
                position,
                message,
            }),
        }
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
        self.revision(&self.route.log, subject).await
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
                self.app.cache.save(slot);
                continue;
            };
            self.app.cache.unshare(slot);
            // A receipt of an earlier execution says nothing of what came between; it is not folded in.
            if appended.already_committed {
                continue;
            }
            if let Some(at) = folded.iter().position(|folded| folded.slot == i) {
                slot.restore(folded.swap_remove(at).state.save(), guard.expected);
                self.app.cache.save(slot);
                continue;
            }
            // Whatever the fold does, the events are stored. Who loads the state is told.
            match apply_all(slot, &appended.events) {
                Ok(()) => {
                    slot.set_revision(guard.expected);
                    self.app.cache.save(slot);
                }
                Err(error) => {
                    let (state, subject) = (slot.info().ty.name, slot.subject());
                    tracing::error!(state, %subject, %error, "a state cannot be folded; its events are stored");
                }
            }
        }
        for guard in &appended.revisions {
            if !slots.iter().any(|slot| *slot.subject() == guard.subject) {
                self.app.cache.save_tail(&guard.subject, guard.expected);
            }
        }
    }
}
