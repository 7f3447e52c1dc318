//! One automation on one log: events of one stream instance in order, those of different instances at the same
//! time, and neither more memory nor more tasks than a bound, however long the log is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::Shared;
use super::handle::{GivenUp, handle};
use crate::app::App;
use crate::inbox::Inbox;
use crate::model::AutomationEntry;
use crate::parking::{Kept, Parking};
use crate::{Position, StoreError, Subject};

mod claim;
mod item;
mod park;

use claim::Awaited;
use item::Item;

/// How many events may be taken and not done.
const MAX_PENDING: usize = 1024;

/// How long to wait before an inbox that failed is asked again.
const RETRY: Duration = Duration::from_millis(200);

/// How often a sign of life is given at most.
const MIN_LIFE: Duration = Duration::from_millis(10);

pub(super) struct Runner {
    app: App,
    entry: AutomationEntry,
    log: Arc<str>,
    inbox: Arc<dyn Inbox>,
    parking: Arc<dyn Parking>,
    shared: Arc<Shared>,
    tasks: JoinSet<Done>,
    /// The instances that are being handled, and what waits behind the event in hand.
    busy: HashMap<Subject, VecDeque<Item>>,
    /// Events whose instance is free, as long as there are too many tasks.
    ready: VecDeque<Item>,
    pending: BTreeSet<Position>,
    seen: Position,
    /// Up to where the events of an instance were taken from the log by a retry, and are not to be taken again.
    taken: HashMap<Subject, Position>,
    /// What was parked and is handled again: it stays parked for others, and after a restart, until that is done.
    retried: HashMap<Subject, Retried>,
    /// What is to be handled again, if the process that does so already does not live.
    awaited: HashMap<Subject, Awaited>,
    /// Tells the claims of this process from those of others.
    process: Arc<str>,
}

/// What is handled again.
struct Retried {
    /// The version that is kept, with the claim of this process.
    kept: Kept,
    /// Up to where the instance was taken from the log.
    until: Position,
    /// What was known to wait by then: the last of them, and how many.
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
        parking: Arc<dyn Parking>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            app,
            entry,
            log,
            inbox,
            parking,
            shared,
            tasks: JoinSet::new(),
            busy: HashMap::new(),
            ready: VecDeque::new(),
            pending: BTreeSet::new(),
            seen: Position::START,
            taken: HashMap::new(),
            retried: HashMap::new(),
            awaited: HashMap::new(),
            process: Uuid::now_v7().to_string().into(),
        }
    }

    pub(super) async fn run(mut self, mut retries: mpsc::UnboundedReceiver<Subject>) {
        let stop = self.app.inner.stop.clone();
        let lease = self.parking.lease().unwrap_or_default();
        let mut sign_of_life = tokio::time::interval((lease / 3).max(MIN_LIFE));
        sign_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let failed = loop {
            let has_claims = self.parking.lease().is_some()
                && !(self.retried.is_empty() && self.awaited.is_empty());
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => break None,
                Some(done) = self.tasks.join_next() => self.finish(done).await,
                Some(subject) = retries.recv() => self.retry(subject, None).await,
                _ = sign_of_life.tick(), if has_claims => self.live(lease).await,
                next = self.inbox.next(), if self.pending.len() < MAX_PENDING => match next {
                    Ok(event) => self.take(Item::Event(event)).await,
                    Err(StoreError::Undecodable(error)) => self.take(Item::Unreadable(error)).await,
                    Err(error) if error.is_retryable() => {
                        tracing::warn!(automation = self.name(), %error, "no events, asking again");
                        tokio::select! {
                            () = stop.cancelled() => break None,
                            () = tokio::time::sleep(RETRY) => Ok(()),
                        }
                    }
                    Err(error) => Err(error),
                },
            };
            match step {
                Ok(()) => {}
                Err(_) if stop.is_cancelled() => break None,
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = &failed {
            tracing::error!(automation = self.name(), %error, "the automation has stopped");
        }
        // What is still in hand comes again after the next start; its commands have the same ids then.
        self.tasks.shutdown().await;
        self.let_go().await;
        self.inbox.close().await;
        self.shared.progress.send_modify(|progress| {
            progress.stopped = true;
            progress.failed = failed;
        });
    }

    fn name(&self) -> &'static str {
        self.entry.info().ty.name
    }

    async fn take(&mut self, item: Item) -> Result<(), StoreError> {
        self.seen = self.seen.max(item.position());
        let subject = item.subject();
        match self.taken.get(subject) {
            Some(until) if item.position() <= *until => {
                // What is in hand is done when it was handled.
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

    /// Whether it is to be handled, or to be parked because the model does not know it, or it cannot be read.
    fn concerns(&self, item: &Item) -> bool {
        match item {
            Item::Event(event) => {
                self.entry.info().handles(event.event_type())
                    || self.app.inner.vocabulary.check(event).is_err()
            }
            Item::Unreadable(_) => true,
        }
    }

    /// Handles it, after those of its instance that are not handled yet.
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
        while self.tasks.len() < self.app.inner.options.automation_parallelism.get() {
            let Some(item) = self.ready.pop_front() else {
                return;
            };
            let (app, entry, log) = (self.app.clone(), self.entry.clone(), self.log.clone());
            self.tasks.spawn(async move {
                let result = match &item {
                    Item::Event(event) => match app.inner.vocabulary.check(event) {
                        Err(error) if !entry.info().handles(event.event_type()) => {
                            Err(GivenUp::unread(&error))
                        }
                        _ => handle(&app, &entry, &log, event).await,
                    },
                    Item::Unreadable(error) => Err(GivenUp::unread(error)),
                };
                Done { item, result }
            });
        }
    }

    async fn finish(
        &mut self,
        done: Result<Done, tokio::task::JoinError>,
    ) -> Result<(), StoreError> {
        let Ok(Done { item, result }) = done else {
            // Panics of handlers and decisions are caught; a task ends otherwise only when the runtime does.
            return Ok(());
        };
        let mut waiting = self.busy.remove(item.subject()).unwrap_or_default();
        if let Err(given_up) = result {
            self.park(&item, given_up, &waiting).await?;
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
        let done = match item {
            Item::Event(event) => self.inbox.done(event).await,
            Item::Unreadable(error) => self.inbox.set_aside(error).await,
        };
        if let Err(error) = done {
            tracing::warn!(automation = self.name(), %error, "the event may come again");
        }
        self.pending.remove(&item.position());
        self.report();
    }

    fn report(&self) {
        let handled = match self.pending.first() {
            // What a retry has taken may lie ahead of what was seen.
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
