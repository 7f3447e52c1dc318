//! One automation on one log. It handles the events of one stream instance in order, and different instances at the
//! same time. Memory and tasks are bounded, however long the log is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::handle::{GivenUp, PATIENCE, handle};
use super::{Shared, Wait};
use crate::board::AutomationEntry;
use crate::engine::app::App;
use crate::record::{Position, Subject};
use crate::store::{Inbox, Item, Kept, Parking, StoreError, Trouble};
use crate::trouble::{limited, panics};

mod claim;
mod park;

use claim::Awaited;

/// How many events the runner may have taken and not finished.
const MAX_PENDING: usize = 1024;

/// How long to wait before asking a store again that failed. Each further wait is twice as long, up to [`PATIENCE`].
const RETRY: Duration = Duration::from_millis(200);

/// The shortest time between two signs of life.
const MIN_LIFE: Duration = Duration::from_millis(10);

pub(super) struct Runner {
    app: App,
    entry: AutomationEntry,
    log: Arc<str>,
    inbox: Arc<dyn Inbox>,
    parking: Arc<dyn Parking>,
    shared: Arc<Shared>,
    tasks: JoinSet<Done>,
    /// How many tasks only wait until an event can be parked. They do not count against the parallelism.
    parked_later: usize,
    /// The instances that are being handled, each with the items behind the one in hand.
    busy: HashMap<Subject, VecDeque<Item>>,
    /// Items whose instance is free, and which wait for a task.
    ready: VecDeque<Item>,
    pending: BTreeSet<Position>,
    /// Everything up to here is done, except what is pending.
    seen: Position,
    /// The position up to which a retry has taken the events of an instance from the log. The inbox must not bring them
    /// again.
    taken: HashMap<Subject, Position>,
    /// Parked instances that this process handles again. They stay parked, for others and after a restart, until that
    /// is done.
    retried: HashMap<Subject, Retried>,
    /// Instances that another process handles again. This one takes over if the other one dies.
    awaited: HashMap<Subject, Awaited>,
    /// Tells the claims of this process from those of others.
    process: Arc<str>,
    /// If the inbox has failed: when to ask it again, and how long this wait is.
    asks_at: Option<(Instant, Duration)>,
}

/// The app stops. The next start handles what is not done.
struct Stopping;

type Step<T = ()> = Result<T, Stopping>;

/// A parked instance that this process handles again.
struct Retried {
    /// The stored version, with the claim of this process.
    kept: Kept,
    /// The position up to which the instance was taken from the log.
    until: Position,
    /// The waiting events that were known by then: the last position, and how many.
    known: (Position, usize),
}

struct Done {
    item: Item,
    result: Result<(), GivenUp>,
}

impl Runner {
    pub(super) fn new(
        app: App,
        entry: AutomationEntry,
        log: Arc<str>,
        inbox: Arc<dyn Inbox>,
        seen: Position,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            app,
            entry,
            log,
            parking: inbox.parking(),
            inbox,
            shared,
            tasks: JoinSet::new(),
            parked_later: 0,
            busy: HashMap::new(),
            ready: VecDeque::new(),
            pending: BTreeSet::new(),
            seen,
            taken: HashMap::new(),
            retried: HashMap::new(),
            awaited: HashMap::new(),
            process: Uuid::now_v7().to_string().into(),
            asks_at: None,
        }
    }

    pub(super) async fn run(mut self, mut retries: mpsc::UnboundedReceiver<Subject>) {
        let stop = self.app.inner.stop.clone();
        let lease = self.parking.lease();
        let mut sign_of_life = tokio::time::interval((lease / 3).max(MIN_LIFE));
        sign_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_claims = !(self.retried.is_empty() && self.awaited.is_empty());
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.tasks.join_next() => self.finish(done).await,
                Some(subject) = retries.recv() => self.retry(subject, None).await,
                _ = sign_of_life.tick(), if has_claims => self.live(lease).await,
                next = next(&*self.inbox, self.asks_at), if self.pending.len() < MAX_PENDING => {
                    self.given(next).await
                }
                () = still(self.asks_at), if self.asks_at.is_some() => {
                    self.asks_at = None;
                    self.goes_on();
                    Ok(())
                }
            };
            if step.is_err() {
                break;
            }
        }
        // Events in hand come again after the next start, and their commands have the same ids then.
        self.tasks.shutdown().await;
        self.let_go().await;
        self.inbox.close().await;
        self.shared
            .progress
            .send_modify(|progress| progress.ended = true);
    }

    fn name(&self) -> &'static str {
        self.entry.info().ty.name
    }

    /// Takes what the inbox gives. Asks a failed inbox again, because somebody may mend what is wrong.
    async fn given(&mut self, next: Result<Item, StoreError>) -> Step {
        let item = match next {
            Ok(item) => item,
            Err(error) => {
                let pause = self
                    .asks_at
                    .map_or(RETRY, |(_, pause)| (pause * 2).min(PATIENCE));
                self.asks_at = Some((Instant::now() + pause, pause));
                self.failed(error);
                return Ok(());
            }
        };
        if self.asks_at.take().is_some() {
            self.goes_on();
        }
        self.take(item).await
    }

    /// Notes that the automation does not go on for now.
    fn failed(&self, error: StoreError) {
        let automation = self.name();
        if error.is_retryable() {
            limited!(WARN, "the automation waits", automation, %error);
        } else {
            limited!(ERROR, "the automation has stopped until that is mended", automation, %error);
        }
        let now = || (self.app.inner.options.clock)();
        self.shared.progress.send_modify(|progress| {
            let since = progress.trouble.as_ref().map_or_else(now, |t| t.since);
            progress.trouble = Some(Trouble { since, error });
        });
    }

    fn goes_on(&self) {
        self.shared
            .progress
            .send_modify(|progress| progress.trouble = None);
    }

    async fn take(&mut self, item: Item) -> Step {
        self.seen = self.seen.max(item.position());
        let subject = item.subject();
        match self.taken.get(subject) {
            Some(until) if item.position() <= *until => {
                // An item in hand is done after it was handled.
                if !self.pending.contains(&item.position()) {
                    self.done(&item).await;
                }
                return Ok(());
            }
            Some(_) => drop(self.taken.remove(subject)),
            None => {}
        }
        if !self.concerns(&item) || self.waits_behind(&item).await? {
            self.done(&item).await;
        } else {
            self.queue(item);
        }
        Ok(())
    }

    /// Whether the automation handles the item, or must park it because it lies on a stream of the model and the model
    /// does not know it or it cannot be read.
    fn concerns(&self, item: &Item) -> bool {
        match item {
            Item::Event(event) => {
                self.entry.info().handles(event.event_type())
                    || self.app.inner.vocabulary.check(event).is_err()
            }
            Item::Unreadable(error) => self.app.inner.vocabulary.has_stream_of(&error.subject),
        }
    }

    /// Queues the item behind the unfinished ones of its instance.
    fn queue(&mut self, item: Item) {
        self.pending.insert(item.position());
        if let Some(waiting) = self.busy.get_mut(item.subject()) {
            waiting.push_back(item);
        } else {
            self.busy.insert(item.subject().clone(), VecDeque::new());
            self.ready.push_back(item);
            self.spawn_ready();
        }
    }

    fn spawn_ready(&mut self) {
        let most = self.app.inner.options.automation_parallelism.get();
        while self.tasks.len().saturating_sub(self.parked_later) < most {
            let Some(item) = self.ready.pop_front() else {
                return;
            };
            let (app, entry, log) = (self.app.clone(), self.entry.clone(), self.log.clone());
            let shared = self.shared.clone();
            self.tasks.spawn(async move {
                let handled = async {
                    match &item {
                        Item::Event(event) => match app.inner.vocabulary.check(event) {
                            Err(error) if !entry.info().handles(event.event_type()) => {
                                Err(GivenUp::unread(&app, &error))
                            }
                            _ => handle(&app, &entry, &log, event, &shared).await,
                        },
                        Item::Unreadable(error) => Err(GivenUp::unread(&app, error)),
                    }
                };
                // Formatting the error of a handler runs the user's code, too.
                let handled = AssertUnwindSafe(handled).catch_unwind().await;
                let result = handled.unwrap_or_else(|panic| {
                    let text = panics::message(&*panic);
                    Err(GivenUp::panicked(&app, text))
                });
                Done { item, result }
            });
        }
    }

    async fn finish(&mut self, done: Result<Done, tokio::task::JoinError>) -> Step {
        let Ok(Done { item, result }) = done else {
            // Panics of the user's code are caught, so a task fails only when the runtime ends.
            return Ok(());
        };
        if matches!(&result, Err(given_up) if given_up.waits.is_some()) {
            self.parked_later -= 1;
        }
        let mut waiting = self.busy.remove(item.subject()).unwrap_or_default();
        if let Err(given_up) = result {
            if let Err(error) = self.park(&item, &given_up, &waiting).await {
                self.busy.insert(item.subject().clone(), waiting);
                self.park_later(item, given_up, &error);
                return Ok(());
            }
            for behind in waiting.drain(..) {
                self.done(&behind).await;
            }
        }
        self.done(&item).await;
        if let Some(next) = waiting.pop_front() {
            self.busy.insert(next.subject().clone(), waiting);
            self.ready.push_back(next);
        } else if self.retried.contains_key(item.subject()) {
            self.end_retry(item.subject()).await?;
        }
        if !self.app.inner.stop.is_cancelled() {
            self.spawn_ready();
        }
        Ok(())
    }

    async fn done(&mut self, item: &Item) {
        if let Err(error) = self.inbox.done(item).await {
            limited!(WARN, "the event may come again", automation = self.name(), %error);
        }
        self.pending.remove(&item.position());
        self.report();
    }

    fn report(&self) {
        let handled = match self.pending.first() {
            // A retry may have taken items ahead of what was seen.
            Some(first) => self.seen.min(Position::new(first.get() - 1)),
            None => self.seen,
        };
        let pending = self.pending.first().copied();
        self.shared.progress.send_modify(|progress| {
            progress.handled = handled;
            progress.pending = pending;
        });
    }
}

/// The next item. Waits before it asks an inbox that has failed.
async fn next(inbox: &dyn Inbox, asks_at: Option<(Instant, Duration)>) -> Result<Item, StoreError> {
    if let Some((at, _)) = asks_at {
        tokio::time::sleep_until(at).await;
    }
    inbox.next().await
}

/// Ends when an inbox that was asked again has not failed for a while: it has nothing to give.
async fn still(asks_at: Option<(Instant, Duration)>) {
    if let Some((at, _)) = asks_at {
        tokio::time::sleep_until(at + PATIENCE).await;
    }
}
