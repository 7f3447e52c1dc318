//! What the store, its reads and its inboxes share: chance, what was injected, and what is still on its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventmodel::store::{Append, Appended, Store, StoreError};
use eventmodel::{Position, Subject};

use super::faults::{Faults, Injected};

/// After how many other operations a late append is made, at most.
const LATEST: u64 = 30;

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) faults: Faults,
    state: Mutex<State>,
}

struct State {
    chance: fastrand::Rng,
    injected: Injected,
    late: Vec<Late>,
    /// The revisions that an instance has had, as far as they were seen here: the points that a replica may be at.
    revisions: HashMap<(Arc<str>, Subject), Vec<Position>>,
}

/// An append that is still on its way.
struct Late {
    append: Append,
    operations: u64,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>, faults: Faults) -> Self {
        let chance = fastrand::Rng::with_seed(faults.seed);
        Self {
            store,
            faults,
            state: Mutex::new(State {
                chance,
                injected: Injected::default(),
                late: Vec::new(),
                revisions: HashMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn injected(&self) -> Injected {
        self.state().injected
    }

    pub(super) fn count(&self, counter: impl FnOnce(&mut Injected) -> &mut u64) {
        *counter(&mut self.state().injected) += 1;
    }

    /// Whether a fault of this rate happens now. It is counted.
    pub(super) fn happens(
        &self,
        rate: impl FnOnce(&Faults) -> f64,
        counter: impl FnOnce(&mut Injected) -> &mut u64,
    ) -> bool {
        let happens = self.chance(rate);
        if happens {
            self.count(counter);
        }
        happens
    }

    /// As [`happens`](Self::happens), without counting.
    pub(super) fn chance(&self, rate: impl FnOnce(&Faults) -> f64) -> bool {
        self.state().chance.f64() < rate(&self.faults)
    }

    /// A number below `end`, or 0.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.state().chance.u64(0..end.max(1))
    }

    /// An operation begins or ends: others may go first, and what is late may arrive.
    pub(super) async fn moment(&self) {
        self.delay().await;
        let due = {
            let mut state = self.state();
            let mut due = Vec::new();
            state.late.retain_mut(|late| {
                late.operations -= 1;
                if late.operations == 0 {
                    due.push(late.append.clone());
                }
                late.operations > 0
            });
            due
        };
        self.make(due).await;
    }

    pub(super) async fn delay(&self) {
        if !self.happens(|faults| faults.delays, |injected| &mut injected.delays) {
            return;
        }
        match self.below(8) {
            // Long enough for a few attempts of someone else.
            0 => tokio::time::sleep(Duration::from_millis(1 + self.below(20))).await,
            turns => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    pub(super) fn put_aside(&self, append: Append) {
        let operations = 1 + self.below(LATEST);
        self.state().late.push(Late { append, operations });
    }

    pub(super) async fn deliver_late(&self) {
        let late: Vec<_> = self.state().late.drain(..).map(|l| l.append).collect();
        self.make(late).await;
    }

    async fn make(&self, late: Vec<Append>) {
        for append in late {
            let log = append.log().clone();
            // Nobody waits for the answer any more.
            if let Ok(appended) = self.store.append(append).await {
                self.note(&log, &appended);
                if !appended.already_committed {
                    self.count(|injected| &mut injected.late_stored);
                }
            }
        }
    }

    /// Notes the revisions that an append left behind.
    pub(super) fn note(&self, log: &Arc<str>, appended: &Appended) {
        let mut state = self.state();
        for guard in &appended.revisions {
            let key = (log.clone(), guard.subject.clone());
            let revisions = state.revisions.entry(key).or_default();
            if let Err(place) = revisions.binary_search(&guard.expected) {
                revisions.insert(place, guard.expected);
            }
        }
    }

    /// Sometimes, a revision that the instance had before `now`, and not before `floor`.
    pub(super) fn stale(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        floor: Position,
        now: Position,
    ) -> Option<Position> {
        if !self.chance(|faults| faults.stale_reads) {
            return None;
        }
        let older: Vec<_> = {
            let state = self.state();
            let known = state.revisions.get(&(log.clone(), subject.clone()));
            let known = known.into_iter().flatten().copied();
            let known = [Position::START].into_iter().chain(known);
            known.filter(|at| *at >= floor && *at < now).collect()
        };
        let at = older.get(usize::try_from(self.below(older.len() as u64)).unwrap_or(0))?;
        self.count(|injected| &mut injected.stale_reads);
        Some(*at)
    }

    /// Sometimes, the error that the store does not answer.
    pub(super) fn available(&self) -> Result<(), StoreError> {
        let down = self.happens(
            |faults| faults.unavailable,
            |injected| &mut injected.unavailable,
        );
        if down { Err(unavailable()) } else { Ok(()) }
    }
}

pub(super) fn unavailable() -> StoreError {
    StoreError::Unavailable {
        reason: "an injected fault".into(),
    }
}
