//! A store that fails on purpose.
//!
//! It stays within what [`Store`] promises: whatever it does, a store across a network could do too. So a model, and
//! the engine under it, must come through with every guarantee intact.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::memory;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{
    Append, AppendError, Appended, AuditTrail, InboxHost, Item, Limits, Load, Loaded, LogSpec,
    Read, ViewHost,
};
use eventmodel::{CommandId, Position};
use eventmodel::{Store, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;

mod faults;
mod inbox;
mod shared;

pub use faults::{Faults, Injected};

use inbox::FaultyInboxes;
use shared::{Shared, unavailable};

/// Wraps a store, and injects faults into what it does: lost answers, appends that arrive later, conflicts, answers
/// from an older point, reads that break off, events that come twice.
///
/// What a store must not do, it does not do either: only [`Store::load`] answers from an older point, and not before
/// its floor. [`Store::open`] and [`Store::last_position`] always answer, so that a model starts and can be waited for.
/// Clones share the store, the chance and the counters.
///
/// With a paused clock (`#[tokio::test(start_paused = true)]`) the waits cost no time.
///
/// ```
/// # use eventmodel::{Command, Decide, Decision, Event, EventModel, Slice, Stream, emit};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "room.{room}")]
/// # struct Room { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct RoomCreated { room: u32 }
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(emits(RoomCreated))]
/// # struct CreateRoom { room: u32 }
/// # impl Decide for CreateRoom {
/// #     fn decide(&self, (): &()) -> Decision<Self> { emit(RoomCreated { room: self.room }) }
/// # }
/// # fn hotel() -> EventModel {
/// #     EventModel::new("hotel").slice(Slice::new("Manager adds a room").command::<CreateRoom>())
/// # }
/// use eventmodel::MemoryStore;
/// use eventmodel_testing::{Faults, FaultyStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FaultyStore::new(MemoryStore::new(), Faults::none().lost_acks(0.5));
/// let app = hotel().start(store.clone()).await?;
/// for room in 1..=10 {
///     let receipt = app.execute(CreateRoom { room }).await?;
///     assert_eq!(receipt.events.len(), 1);
/// }
/// assert!(store.injected().lost_acks > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStore(Arc<Shared>);

impl FaultyStore {
    /// Injects `faults` into `store`.
    pub fn new(store: impl Store, faults: Faults) -> Self {
        Self(Arc::new(Shared::new(Arc::new(store), faults)))
    }

    /// How often which fault was injected so far.
    pub fn injected(&self) -> Injected {
        self.0.injected()
    }

    /// Makes the late appends that are still on their way.
    pub async fn deliver_late(&self) {
        self.0.deliver_late().await;
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("store", &self.0.store)
            .field("faults", &self.0.faults)
            .finish_non_exhaustive()
    }
}

impl Shared {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.available()?;
        if self.happens(|f| f.lost_requests, |i| &mut i.lost_requests) {
            return Err(unknown("the request was lost"));
        }
        if self.happens(|f| f.late_appends, |i| &mut i.late_appends) {
            self.put_aside(append);
            return Err(unknown("the request is late"));
        }
        if self.chance(|f| f.conflicts) {
            let conflict = self.conflict(&append).await?;
            self.count(|i| &mut i.conflicts);
            return Err(conflict);
        }
        let log = append.log().clone();
        let appended = self.store.append(append).await;
        if let Ok(appended) = &appended {
            self.note(&log, appended);
        }
        if self.happens(|f| f.lost_acks, |i| &mut i.lost_acks) {
            return Err(unknown("the answer was lost"));
        }
        appended
    }

    /// A conflict with a write that was under way, and fails in the end.
    async fn conflict(&self, append: &Append) -> Result<AppendError, StoreError> {
        let guards = append.guards();
        let which = usize::try_from(self.below(guards.len() as u64)).unwrap_or(0);
        let subject = guards.get(which).map(|guard| guard.subject.clone());
        let (subject, actual) = match (self.below(3), subject) {
            (0, Some(subject)) => {
                let actual = self.store.revision(append.log(), &subject).await?;
                (Some(subject), Some(actual))
            }
            (1, subject) => (subject, None),
            _ => (None, None),
        };
        Ok(AppendError::Conflict { subject, actual })
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.available()?;
        let (log, subject) = (load.log.clone(), load.subject.clone());
        let floor = load.floor.max(load.after);
        let history = load.clone().snapshot(None);
        let mut loaded = self.store.load(load).await?;
        if let Some(older) = self.stale(&log, &subject, floor, loaded.revision) {
            // The state cannot be taken back to the older point, a history can.
            if loaded.snapshot.is_some() {
                loaded = self.store.load(history).await?;
            }
            loaded.items.retain(|item| item.position() <= older);
            loaded.revision = older;
        }
        Ok(loaded)
    }
}

fn unknown(reason: &str) -> AppendError {
    AppendError::Unknown {
        reason: format!("an injected fault: {reason}"),
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.0.store.open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.0.moment().await;
        let answer = self.0.append(append).await;
        self.0.moment().await;
        answer
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.0.moment().await;
        let answer = self.0.load(load).await;
        self.0.moment().await;
        answer
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.0.moment().await;
        self.0.available()?;
        let revision = self.0.store.revision(log, subject).await;
        self.0.moment().await;
        revision
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.0.moment().await;
        self.0.available()?;
        let answer = self.0.store.committed(log, command, subjects).await;
        self.0.moment().await;
        answer
    }

    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        // A store need not know.
        !self.0.chance(|faults| faults.stale_reads)
            && self.0.store.is_absent(log, subject, until, command)
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.0.store.last_position(log).await
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        self.0.store.incarnation(log)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let items = self.0.store.read(read);
        futures_util::stream::unfold(Some((items, self.0.clone())), |reading| async move {
            let (mut items, shared) = reading?;
            let next = items.next().await?;
            shared.delay().await;
            if shared.happens(|f| f.broken_reads, |i| &mut i.broken_reads) {
                return Some((Err(unavailable()), None));
            }
            Some((next, Some((items, shared))))
        })
        .boxed()
    }

    fn limits(&self) -> Limits {
        self.0.store.limits()
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        self.0.store.views()
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        Some(Arc::new(FaultyInboxes {
            inboxes: memory::inboxes_of(&*self.0.store),
            shared: self.0.clone(),
        }))
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        self.0.store.audit()
    }
}
