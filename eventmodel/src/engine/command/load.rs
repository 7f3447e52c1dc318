//! Loading the states that a command decides on.

use std::sync::Arc;

use futures_util::future::{join, try_join_all};

use super::snapshots::starts_from_snapshot;
use super::{ExecuteError, Execution, Failed, Panicked};
use crate::model::ErasedSlot;
use crate::record::{Cursor, DecodeError, Position, Receipt, RecordedEvent, Subject};
use crate::store::{Item, Load, Loaded};
use crate::trouble::panics;

/// Some of the states of a command, by their numbers. Usually there is one.
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

/// Why an event was not folded into a state. The state may be incomplete, so the engine drops it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfolded {
    #[error(transparent)]
    Undecodable(#[from] Arc<DecodeError>),
    #[error("its handler panicked at position {position}: {message}")]
    Panicked { position: Position, message: String },
}

/// Folds an event in; `false` if the state does not handle it.
pub(super) fn apply(slot: &mut dyn ErasedSlot, event: &RecordedEvent) -> Result<bool, Unfolded> {
    let position = event.position();
    let applied = panics::caught(|| slot.apply(event));
    let applied = applied.map_err(|message| Unfolded::Panicked { position, message })?;
    Ok(applied.map_err(Arc::new)?)
}

impl Execution<'_> {
    /// Loads the states. If it turns out that the command was committed before, returns its receipt.
    pub(super) async fn load(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
    ) -> Result<Option<Receipt>, Failed> {
        if !self.given_id {
            return self.load_states(slots).await.map(|()| None);
        }
        // No guard reveals what an unguarded state has not seen.
        let unguarded = slots.iter().filter(|slot| !slot.guarded());
        let unguarded: Vec<_> = unguarded.map(|slot| slot.subject().clone()).collect();
        let committed = async {
            match &*unguarded {
                [] => Ok(None),
                unguarded => self.committed_on(unguarded).await,
            }
        };
        let (committed, loaded) = join(committed, self.load_states(slots)).await;
        if let Some(receipt) = committed? {
            return Ok(Some(receipt));
        }
        loaded?;
        let guarded = slots.iter().filter(|slot| slot.guarded());
        self.committed_before(guarded.map(|slot| (slot.subject(), slot.revision())))
            .await
    }

    /// Loads the guarded states from the cache if they are there, the others from the store.
    async fn load_states(&self, slots: &mut [&mut dyn ErasedSlot]) -> Result<(), Failed> {
        let mut from_store = Which::default();
        for (i, slot) in slots.iter_mut().enumerate() {
            // No guard would reveal a stale unguarded state, so its tail is always read.
            if !(self.app.cache.restore(&mut **slot) && slot.guarded()) {
                from_store.add(i);
            }
        }
        self.read(slots, &from_store, &[]).await
    }

    /// Checks the revision that the sender expects, against the newest state and not only a cached one.
    pub(super) async fn expect_revision(
        &self,
        expected: Cursor,
        slots: &mut [&mut dyn ErasedSlot],
    ) -> Result<(), Failed> {
        let incarnation = self.route.incarnation;
        let position = expected.position_in(incarnation);
        let differs = |slots: &[&mut dyn ErasedSlot]| {
            let actual = slots.first().map(|slot| slot.revision());
            let actual = actual.filter(|actual| Some(*actual) != position);
            actual.map(|actual| Cursor::new(actual, incarnation))
        };
        if differs(slots).is_some() {
            self.is_newest(slots, Which::all(slots)).await?;
        }
        match differs(slots) {
            Some(actual) => Err(ExecuteError::Stale { expected, actual }),
            None => Ok(()),
        }
    }

    /// Reads the new events of every state, at least up to the floors.
    pub(super) async fn refresh(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        floors: &[(Subject, Position)],
    ) -> Result<(), Failed> {
        let all = Which::all(slots);
        self.read(slots, &all, floors).await
    }

    /// Whether these states are the newest. Reads those that are not.
    ///
    /// A lagging replica may answer a load, but not a question for a revision. The engine asks for all revisions after
    /// it has read all states. So if none has moved, there was a moment at which all of the states were current.
    pub(super) async fn is_newest(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        which: Which,
    ) -> Result<bool, Failed> {
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
            // A lower revision means a lagging replica or a truncated log; `load` reports which.
            if revision != slots[i].revision() {
                stale.add(i);
                floors.push((slots[i].subject().clone(), revision));
            }
        }
        self.read(slots, &stale, &floors).await?;
        Ok(stale.is_empty())
    }

    /// The revision of an instance, as of now.
    pub(super) async fn revision(
        &self,
        log: &Arc<str>,
        subject: &Subject,
    ) -> Result<Position, Failed> {
        let revision = self.app.store.revision(log, subject).await;
        revision.map_err(ExecuteError::Store)
    }

    async fn read(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
        which: &Which,
        floors: &[(Subject, Position)],
    ) -> Result<(), Failed> {
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

    /// Takes what was loaded. If that is a snapshot that cannot be used, loads the history.
    async fn take(
        &self,
        slot: &mut dyn ErasedSlot,
        mut loaded: Loaded,
        floors: &[(Subject, Position)],
    ) -> Result<(), Failed> {
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
        for item in &loaded.items {
            let event = match item {
                Item::Event(event) => event,
                Item::Unreadable(error) => return Err(error.clone().into()),
            };
            if !apply(slot, event)? {
                self.app.vocabulary.check(event).map_err(Arc::new)?;
            }
        }
        slot.set_revision(loaded.revision);
        Ok(())
    }

    fn unfolded(&self, slot: &dyn ErasedSlot, error: Unfolded) -> Failed {
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

    /// The log of a state. An unguarded state may be in another log than the command's events.
    fn log_of(&self, slot: &dyn ErasedSlot) -> Arc<str> {
        match slot.log() {
            None => self.app.model.name().clone(),
            Some(log) if *log == *self.route.log => self.route.log.clone(),
            Some(log) => log.into(),
        }
    }

    /// The revision of an instance that is written without being decided on.
    pub(super) async fn tail(&self, subject: &Subject) -> Result<Position, Failed> {
        if let Some(revision) = self.app.cache.tail(subject) {
            return Ok(revision);
        }
        self.revision(&self.route.log, subject).await
    }
}
