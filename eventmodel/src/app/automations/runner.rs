//! One automation on one log: events of one stream instance in order, those of different instances at the same
//! time, and neither more memory nor more tasks than a bound, however long the log is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::handle::{GivenUp, handle};
use super::{Parked, Shared};
use crate::app::App;
use crate::inbox::Inbox;
use crate::model::AutomationEntry;
use crate::store::Load;
use crate::{Position, RecordedEvent, Subject};

/// How many events may be taken and not done.
const MAX_PENDING: usize = 1024;

/// How long to wait before an inbox that failed is asked again.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Runner {
    app: App,
    entry: AutomationEntry,
    log: Arc<str>,
    inbox: Box<dyn Inbox>,
    shared: Arc<Shared>,
    tasks: JoinSet<Done>,
    /// The instances that are being handled, and what waits behind the event in hand.
    busy: HashMap<Subject, VecDeque<RecordedEvent>>,
    /// Events whose instance is free, as long as there are too many tasks.
    ready: VecDeque<RecordedEvent>,
    pending: BTreeSet<Position>,
    seen: Position,
    /// Up to where the events of an instance were taken from the log by a retry, and are not to be taken again.
    taken: HashMap<Subject, Position>,
}

struct Done {
    event: RecordedEvent,
    result: Result<(), GivenUp>,
}

impl Runner {
    pub(super) fn new(
        app: App,
        entry: AutomationEntry,
        log: Arc<str>,
        inbox: Box<dyn Inbox>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            app,
            entry,
            log,
            inbox,
            shared,
            tasks: JoinSet::new(),
            busy: HashMap::new(),
            ready: VecDeque::new(),
            pending: BTreeSet::new(),
            seen: Position::START,
            taken: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, mut retries: mpsc::UnboundedReceiver<Subject>) {
        let stop = self.app.inner.stop.clone();
        let failed = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break None,
                Some(done) = self.tasks.join_next() => self.finish(done).await,
                Some(subject) = retries.recv() => self.retry(subject).await,
                next = self.inbox.next(), if self.pending.len() < MAX_PENDING => match next {
                    Ok(event) => self.take(event).await,
                    Err(error) if error.is_retryable() => {
                        tracing::warn!(automation = self.name(), %error, "no events, asking again");
                        tokio::select! {
                            () = stop.cancelled() => break None,
                            () = tokio::time::sleep(RETRY) => {}
                        }
                    }
                    Err(error) => break Some(error),
                },
            }
        };
        if let Some(error) = &failed {
            tracing::error!(automation = self.name(), %error, "the automation has stopped");
        }
        // What is still in hand comes again after the next start; its commands have the same ids then.
        self.tasks.shutdown().await;
        self.shared.progress.send_modify(|progress| {
            progress.stopped = true;
            progress.failed = failed;
        });
    }

    fn name(&self) -> &'static str {
        self.entry.info().ty.name
    }

    async fn take(&mut self, event: RecordedEvent) {
        self.seen = self.seen.max(event.position());
        let subject = event.subject();
        match self.taken.get(subject) {
            Some(until) if event.position() <= *until => {
                // What is in hand is done when it was handled.
                if !self.pending.contains(&event.position()) {
                    self.done(&event).await;
                }
                return;
            }
            Some(_) => drop(self.taken.remove(subject)),
            None => {}
        }
        self.accept(event).await;
    }

    /// Handles the event, or puts it behind those of its instance that are not handled yet.
    async fn accept(&mut self, event: RecordedEvent) {
        if let Some(parked) = self.shared.parked().get_mut(event.subject()) {
            parked.waiting += usize::from(self.entry.info().handles(event.event_type()));
        } else if self.entry.info().handles(event.event_type()) {
            self.pending.insert(event.position());
            return self.queue(event);
        } else if let Err(error) = self.app.inner.vocabulary.check(&event) {
            self.park(
                &event,
                GivenUp {
                    error: error.to_string(),
                    attempts: 0,
                },
            );
        }
        self.done(&event).await;
    }

    fn queue(&mut self, event: RecordedEvent) {
        if let Some(waiting) = self.busy.get_mut(event.subject()) {
            waiting.push_back(event);
        } else {
            self.busy.insert(event.subject().clone(), VecDeque::new());
            self.ready.push_back(event);
            self.spawn_ready();
        }
    }

    fn spawn_ready(&mut self) {
        while self.tasks.len() < self.app.inner.options.automation_parallelism.get() {
            let Some(event) = self.ready.pop_front() else {
                return;
            };
            let (app, entry, log) = (self.app.clone(), self.entry.clone(), self.log.clone());
            self.tasks.spawn(async move {
                let result = handle(&app, &entry, &log, &event).await;
                Done { event, result }
            });
        }
    }

    async fn finish(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let Ok(Done { event, result }) = done else {
            // Panics of handlers and decisions are caught; a task ends otherwise only when the runtime does.
            return;
        };
        let mut waiting = self.busy.remove(event.subject()).unwrap_or_default();
        if let Err(given_up) = result {
            self.park(&event, given_up);
            if let Some(parked) = self.shared.parked().get_mut(event.subject()) {
                parked.waiting += waiting.len();
            }
            for behind in waiting.drain(..) {
                self.done(&behind).await;
            }
        }
        self.done(&event).await;
        if let Some(next) = waiting.pop_front() {
            self.busy.insert(next.subject().clone(), waiting);
            self.ready.push_back(next);
        }
        if !self.app.inner.stop.is_cancelled() {
            self.spawn_ready();
        }
    }

    fn park(&self, event: &RecordedEvent, given_up: GivenUp) {
        let GivenUp { error, attempts } = given_up;
        let (automation, position) = (self.name(), event.position());
        tracing::error!(automation, %position, subject = %event.subject(), error, "the event is parked");
        let parked = Parked {
            automation,
            log: self.log.clone(),
            subject: event.subject().clone(),
            position,
            event_type: event.metadata().event_type.clone(),
            error,
            attempts,
            since: (self.app.inner.options.clock)(),
            waiting: 0,
        };
        match self.shared.parked().entry(event.subject().clone()) {
            Entry::Vacant(entry) => drop(entry.insert(parked)),
            // An event that cannot be read is found while those before it are in hand: it waits behind them.
            Entry::Occupied(mut later) if later.get().position > parked.position => {
                let waiting = later.get().waiting + 1;
                later.insert(Parked { waiting, ..parked });
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Takes what is parked, and what waits behind it, from the log again.
    async fn retry(&mut self, subject: Subject) {
        let Some(position) = self
            .shared
            .parked()
            .get(&subject)
            .map(|parked| parked.position)
        else {
            return;
        };
        let load = Load {
            log: self.log.clone(),
            subject: subject.clone(),
            after: Position::new(position.get() - 1),
            floor: position,
            snapshot: None,
        };
        match self.app.inner.store.load(load).await {
            Ok(loaded) => {
                self.shared.parked().remove(&subject);
                // An event that is here as that of a second stream has its turn at its first one.
                let events = loaded
                    .events
                    .into_iter()
                    .filter(|event| *event.subject() == subject);
                let events: Vec<_> = events.collect();
                if let Some(last) = events.last() {
                    self.taken.insert(subject, last.position());
                }
                for event in events {
                    self.accept(event).await;
                }
            }
            Err(error) => {
                tracing::warn!(automation = self.name(), %subject, %error, "still parked");
            }
        }
    }

    async fn done(&mut self, event: &RecordedEvent) {
        if let Err(error) = self.inbox.done(event).await {
            tracing::warn!(automation = self.name(), %error, "the event may come again");
        }
        self.pending.remove(&event.position());
        self.report();
    }

    fn report(&self) {
        let handled = match self.pending.first() {
            // What a retry has taken may lie ahead of what was seen.
            Some(first) => self.seen.min(Position::new(first.get() - 1)),
            None => self.seen,
        };
        self.shared
            .progress
            .send_modify(|progress| progress.handled = handled);
    }
}
