//! The inboxes of a host that only stores. The core reads the log, knows what is done, and decides when that is saved;
//! the host keeps a few values ([`InboxStorage`]).
//!
//! - What is saved names everything that is not done. So a crash, or a save that is lost, repeats events and skips none.
//! - Of several apps in a process one reads at a time, so that the events of an instance stay in order. When its inbox
//!   closes or is dropped, the one that has waited longest goes on from what is saved.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use super::error::StoreError;
use super::inbox::{Inbox, InboxHost, InboxSpec};
use super::parking::{Kept, Parking};
use super::{Item, Read, Store};
use crate::record::{Position, Subject};
use crate::trouble::limited;

mod parking;

use parking::StoredParking;

/// A save writes all that is open, so it waits until one for each so many open ones is done.
const PART: usize = 8;

/// How far an automation is on a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Everything up to here is done, except what is open.
    pub until: Position,
    /// What was taken and is not done.
    pub open: BTreeSet<Position>,
}

impl Progress {
    /// Everything up to `until` is done, except what is `open`.
    pub fn new(until: Position, open: BTreeSet<Position>) -> Self {
        Self { until, open }
    }

    /// The position up to which everything is done.
    pub fn handled(&self) -> Position {
        self.open.first().map_or(self.until, |first| before(*first))
    }
}

fn before(position: Position) -> Position {
    Position::new(position.get().saturating_sub(1))
}

/// What a host keeps for [`LogInboxes`]. Only one process writes it at a time. It is kept with the log: if that is deleted,
/// so is this.
///
/// A write may become durable later, with others: a crash may lose the last writes, but none that came before one that
/// it keeps.
#[async_trait]
pub trait InboxStorage: Send + Sync + 'static {
    /// What was saved last; [`Progress::default`] if nothing was.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn progress(&self, spec: &InboxSpec) -> Result<Progress, StoreError>;

    /// Keeps this in place of what was saved before.
    ///
    /// # Errors
    /// [`StoreError`]; it may be kept.
    async fn save(&self, spec: &InboxSpec, progress: &Progress) -> Result<(), StoreError>;

    /// Everything that is parked.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn parked(&self, spec: &InboxSpec) -> Result<Vec<Kept>, StoreError>;

    /// Keeps this in place of what was parked on its stream instance before. Of the [claim](Kept::claim) nothing need be
    /// kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may be kept.
    async fn park(&self, spec: &InboxSpec, kept: &Kept) -> Result<(), StoreError>;

    /// Forgets what is parked on a stream instance.
    ///
    /// # Errors
    /// [`StoreError`]; it may be forgotten.
    async fn release(&self, spec: &InboxSpec, subject: &Subject) -> Result<(), StoreError>;
}

/// Inboxes that read the log from where the automation was, and keep what they know in an [`InboxStorage`].
///
/// A host has one of it, for all apps on its store. Of those with the same automation one handles events; another one
/// waits until that one ends, and goes on where it was.
pub struct LogInboxes {
    storage: Arc<dyn InboxStorage>,
    seats: tokio::sync::Mutex<HashMap<InboxSpec, Arc<Seat>>>,
}

impl LogInboxes {
    /// Inboxes that keep what they know there.
    pub fn new(storage: impl InboxStorage) -> Self {
        Self {
            storage: Arc::new(storage),
            seats: tokio::sync::Mutex::default(),
        }
    }
}

impl fmt::Debug for LogInboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInboxes").finish_non_exhaustive()
    }
}

#[async_trait]
impl InboxHost for LogInboxes {
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        let mut seats = self.seats.lock().await;
        let seat = match seats.get(spec) {
            Some(seat) => seat.clone(),
            None => {
                let seat = Arc::new(Seat::load(&self.storage, spec).await?);
                seats.insert(spec.clone(), seat.clone());
                seat
            }
        };
        Ok(Box::new(LogInbox {
            seat,
            store: store.clone(),
            turn: Mutex::default(),
            reader: tokio::sync::Mutex::default(),
            closed: CancellationToken::new(),
        }))
    }
}

/// What all inboxes of an automation on a log share.
struct Seat {
    spec: InboxSpec,
    storage: Arc<dyn InboxStorage>,
    parking: Arc<StoredParking>,
    /// Whoever holds it reads the log.
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
    /// No save overtakes a later one.
    saving: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    /// How many were done since the last save.
    unsaved: usize,
}

impl Seat {
    async fn load(storage: &Arc<dyn InboxStorage>, spec: &InboxSpec) -> Result<Self, StoreError> {
        let state = State {
            progress: storage.progress(spec).await?,
            unsaved: 0,
        };
        Ok(Self {
            spec: spec.clone(),
            storage: storage.clone(),
            parking: Arc::new(StoredParking::load(storage, spec).await?),
            turn: Arc::default(),
            state: Mutex::new(state),
            saving: tokio::sync::Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LogInbox {
    seat: Arc<Seat>,
    store: Arc<dyn Store>,
    /// Held while this inbox is the one that reads.
    turn: Mutex<Option<OwnedMutexGuard<()>>>,
    reader: tokio::sync::Mutex<Reader>,
    closed: CancellationToken,
}

#[derive(Default)]
struct Reader {
    /// What was open when this inbox got its turn, and was not given yet.
    again: BTreeSet<Position>,
    items: Option<BoxStream<'static, Result<Item, StoreError>>>,
}

fn closed() -> StoreError {
    StoreError::Unavailable {
        reason: "the inbox is closed".into(),
    }
}

impl LogInbox {
    fn turn(&self) -> MutexGuard<'_, Option<OwnedMutexGuard<()>>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other inbox reads, and goes on from what is saved.
    async fn take_turn(&self, reader: &mut Reader) -> Result<(), StoreError> {
        if self.turn().is_some() {
            return Ok(());
        }
        let waits = || {
            let automation = self.seat.spec.automation;
            limited!(
                INFO,
                "another app on the store handles the events",
                automation
            );
            self.seat.turn.clone().lock_owned()
        };
        let turn = match self.seat.turn.clone().try_lock_owned() {
            Ok(turn) => turn,
            Err(_) => waits().await,
        };
        let progress = self.seat.storage.progress(&self.seat.spec).await?;
        reader.again.clone_from(&progress.open);
        let unsaved = 0;
        *self.seat.state() = State { progress, unsaved };
        *self.turn() = Some(turn);
        Ok(())
    }

    async fn read(&self, reader: &mut Reader) -> Result<Item, StoreError> {
        self.take_turn(reader).await?;
        loop {
            let after = match reader.again.first() {
                Some(first) => before(*first),
                None => self.seat.state().progress.until,
            };
            let read = || {
                let read = Read::new(self.seat.spec.log.clone());
                self.store.read(read.after(after).follow(true))
            };
            let next = reader.items.get_or_insert_with(read).next().await;
            let failed = match next {
                Some(Ok(item)) if self.takes(&mut reader.again, item.position()) => {
                    return Ok(item);
                }
                // It is done. What is not may be far from here.
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(error),
                None => Some(StoreError::Unavailable {
                    reason: "the log ended while it was followed".into(),
                }),
            };
            reader.items = None;
            if let Some(failed) = failed {
                return Err(failed);
            }
        }
    }

    /// Notes that this is open from now on; false if it is done.
    fn takes(&self, again: &mut BTreeSet<Position>, position: Position) -> bool {
        let mut state = self.seat.state();
        let progress = &mut state.progress;
        while let Some(first) = again.first().copied().filter(|first| *first <= position) {
            again.pop_first();
            if first == position {
                return true;
            }
            // The log does not have it any more.
            progress.open.remove(&first);
        }
        let is_new = position > progress.until;
        if is_new {
            progress.until = position;
            progress.open.insert(position);
        }
        is_new
    }

    /// Saves what is done, if that is enough to be worth it.
    async fn save(&self, is_enough: impl FnOnce(&State) -> bool) -> Result<(), StoreError> {
        let seat = &self.seat;
        let _one = seat.saving.lock().await;
        if self.turn().is_none() {
            return Err(closed());
        }
        let (progress, saved) = {
            let state = seat.state();
            if state.unsaved == 0 || !is_enough(&state) {
                return Ok(());
            }
            (state.progress.clone(), state.unsaved)
        };
        seat.storage.save(&seat.spec, &progress).await?;
        seat.state().unsaved -= saved;
        Ok(())
    }
}

#[async_trait]
impl Inbox for LogInbox {
    async fn next(&self) -> Result<Item, StoreError> {
        let next = async {
            let mut reader = self.reader.lock().await;
            self.read(&mut reader).await
        };
        let next = self.closed.run_until_cancelled(next).await;
        next.unwrap_or_else(|| Err(closed()))
    }

    async fn done(&self, item: &Item) -> Result<(), StoreError> {
        {
            let mut state = self.seat.state();
            if !state.progress.open.remove(&item.position()) {
                return Ok(());
            }
            state.unsaved += 1;
        }
        self.save(|state| state.unsaved * PART >= state.progress.open.len())
            .await
    }

    async fn handled(&self) -> Result<Position, StoreError> {
        Ok(self.seat.state().progress.handled())
    }

    fn parking(&self) -> Arc<dyn Parking> {
        self.seat.parking.clone()
    }

    async fn close(&self) {
        self.closed.cancel();
        if let Err(error) = self.save(|_| true).await {
            let automation = self.seat.spec.automation;
            tracing::warn!(automation, %error, "some of what is done will come again");
        }
        let _saved = self.seat.saving.lock().await;
        drop(self.turn().take());
    }
}
