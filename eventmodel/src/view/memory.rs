//! Views in the memory of this process: folded from the first event at every start, then live.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::ViewError;
use super::host::{ErasedEntry, HostedView, ViewDefinition, ViewHost, ViewState, ViewStatus};
use crate::store::{Read, Store, StoreError};
use crate::{DecodeError, Position, RecordedEvent, panics};

/// Keeps views in memory. A replica in each process; nothing is written.
#[derive(Debug, Default)]
pub struct MemoryViews;

/// How many changes a watcher may be behind before it is given the newest values instead.
const WATCH_BACKLOG: usize = 1024;

/// How long to wait before a log that could not be read is read again.
const RETRY: Duration = Duration::from_millis(200);

#[async_trait]
impl ViewHost for MemoryViews {
    async fn host(
        &self,
        view: ViewDefinition,
        store: Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Result<Arc<dyn HostedView>, ViewError> {
        let positions = view
            .logs
            .iter()
            .map(|log| (log.clone(), Position::START))
            .collect();
        let shared = Arc::new(Shared {
            progress: watch::Sender::new(ViewStatus {
                positions,
                stopped: None,
            }),
            content: RwLock::default(),
            changes: broadcast::Sender::new(WATCH_BACKLOG),
            definition: view,
        });
        for log in &shared.definition.logs {
            tokio::spawn(feed(
                shared.clone(),
                log.clone(),
                store.clone(),
                stop.clone(),
            ));
        }
        let stopped = shared.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            stopped.stop(ViewError::ShutDown);
        });
        Ok(Arc::new(MemoryView(shared)))
    }
}

struct MemoryView(Arc<Shared>);

struct Shared {
    definition: ViewDefinition,
    content: RwLock<Content>,
    progress: watch::Sender<ViewStatus>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct Content {
    entries: BTreeMap<Arc<str>, Change>,
    /// Counts the changes. Positions of several logs cannot be compared, these can.
    changes: u64,
}

/// An instance, and the number of its last change.
#[derive(Clone)]
struct Change {
    number: u64,
    entry: ErasedEntry,
}

async fn feed(view: Arc<Shared>, log: Arc<str>, store: Arc<dyn Store>, stop: CancellationToken) {
    let mut after = Position::START;
    loop {
        let read = Read {
            log: log.clone(),
            after,
            subjects: Vec::new(),
            follow: true,
        };
        let mut events = store.read(read);
        let failure = loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                next = events.next() => next,
            };
            match next {
                Some(Ok(event)) => {
                    if let Err(error) = view.apply_caught(&event) {
                        tracing::error!(%error, "the view has stopped");
                        view.stop(error);
                        return;
                    }
                    after = event.position();
                    view.progress.send_modify(|progress| {
                        progress.positions.insert(log.clone(), after);
                    });
                }
                Some(Err(error)) => break error,
                None => {
                    break StoreError::Unavailable {
                        reason: "the log ended".into(),
                    };
                }
            }
        };
        let view_name = view.definition.name();
        if !failure.is_retryable() {
            tracing::error!(view = view_name, error = %failure, "the view has stopped");
            view.stop(ViewError::Store(failure));
            return;
        }
        tracing::warn!(view = view_name, error = %failure, "the log of the view cannot be read, trying again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

impl Shared {
    fn stop(&self, error: ViewError) {
        self.progress.send_modify(|progress| {
            progress.stopped.get_or_insert(error);
        });
    }

    /// Applies an event. A handler that panics stops the view: it may have changed half of the instance.
    fn apply_caught(&self, event: &RecordedEvent) -> Result<(), ViewError> {
        let view = self.definition.name();
        match catch_unwind(AssertUnwindSafe(|| self.apply(event))) {
            Ok(applied) => applied.map_err(|error| ViewError::Undecodable {
                view,
                error: Arc::new(error),
            }),
            Err(panic) => Err(ViewError::Panicked {
                view,
                position: event.position(),
                message: panics::message(&*panic).to_owned(),
            }),
        }
    }

    fn apply(&self, event: &RecordedEvent) -> Result<(), DecodeError> {
        let definition = &self.definition;
        let Some(key) = definition.fold.key_of(event)? else {
            return definition.vocabulary.check(event);
        };
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let number = content.changes + 1;
        let changed = if let Some(change) = content.entries.get_mut(&*key) {
            apply_to(&mut change.entry.state, event)?;
            change.entry.position = event.position();
            change.number = number;
            change.clone()
        } else {
            // A new instance is kept only if the event could be applied to it.
            let mut state = definition.fold.create();
            apply_to(&mut state, event)?;
            let key: Arc<str> = key.into();
            let entry = ErasedEntry {
                key: key.clone(),
                position: event.position(),
                state,
            };
            let change = Change { number, entry };
            content.entries.insert(key, change.clone());
            change
        };
        content.changes = number;
        if self.changes.receiver_count() > 0 {
            // An error says that the last watcher has just gone. Sent under the lock, so that a watcher's first
            // look and its changes meet without a gap.
            let _ = self.changes.send(changed);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ViewError> {
        match &self.progress.borrow().stopped {
            Some(ViewError::ShutDown) | None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// The instances under a prefix that changed after change number `since`, and the number of the last change.
    fn changed(&self, prefix: &str, since: u64) -> (Vec<Change>, u64) {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        let changed = content
            .entries
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, change)| change.number > since && is_under(key, prefix))
            .map(|(_, change)| change.clone())
            .collect();
        (changed, content.changes)
    }
}

/// Applies an event in place, or to a copy if a reader holds the state.
fn apply_to(state: &mut Arc<dyn ViewState>, event: &RecordedEvent) -> Result<(), DecodeError> {
    if let Some(state) = Arc::get_mut(state) {
        state.apply(event)?;
        return Ok(());
    }
    let mut copy = state.clone_state();
    if let Some(copy) = Arc::get_mut(&mut copy) {
        copy.apply(event)?;
    }
    *state = copy;
    Ok(())
}

/// Whether the tokens of `key` start with those of `prefix`.
fn is_under(key: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || key
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[async_trait]
impl HostedView for MemoryView {
    async fn get(&self, key: &str) -> Result<Option<ErasedEntry>, ViewError> {
        self.0.check()?;
        let content = self
            .0
            .content
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(content.entries.get(key).map(|change| change.entry.clone()))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ErasedEntry>, ViewError> {
        self.0.check()?;
        Ok(self
            .0
            .changed(prefix, 0)
            .0
            .into_iter()
            .map(|change| change.entry)
            .collect())
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<ErasedEntry, ViewError>> {
        // A position of one of several logs says nothing about the others, and one that lies ahead is of a log
        // that is gone: everything is shown then.
        let after = after.filter(|after| {
            let positions = &self.0.progress.borrow().positions;
            positions.len() == 1 && positions.values().all(|at| after <= at)
        });
        let watcher = Watcher::new(self.0.clone(), prefix, after);
        futures_util::stream::unfold(watcher, Watcher::next).boxed()
    }

    async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError> {
        let view = self.0.definition.name();
        if !self.0.definition.logs.contains(log) {
            return Err(ViewError::OtherLog {
                view,
                log: log.clone(),
            });
        }
        let is_there =
            |status: &ViewStatus| status.positions.get(log).is_some_and(|at| *at >= position);
        let mut progress = self.0.progress.subscribe();
        let status = progress
            .wait_for(|status| is_there(status) || status.stopped.is_some())
            .await
            .map_err(|_| ViewError::ShutDown)?;
        match &status.stopped {
            Some(error) if !is_there(&status) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn status(&self) -> ViewStatus {
        self.0.progress.borrow().clone()
    }
}

struct Watcher {
    view: Arc<Shared>,
    prefix: String,
    changes: broadcast::Receiver<Change>,
    progress: watch::Receiver<ViewStatus>,
    /// What is to be shown before the changes, in the order of the changes.
    waiting: VecDeque<ErasedEntry>,
    /// The number of the last change that was shown, or is among those waiting.
    seen: u64,
    ended: bool,
}

impl Watcher {
    fn new(view: Arc<Shared>, prefix: &str, after: Option<Position>) -> Self {
        let mut watcher = Self {
            changes: view.changes.subscribe(),
            progress: view.progress.subscribe(),
            view,
            prefix: prefix.to_owned(),
            waiting: VecDeque::new(),
            seen: 0,
            ended: false,
        };
        watcher.catch_up();
        if let Some(after) = after {
            watcher.waiting.retain(|entry| entry.position > after);
        }
        watcher
    }

    fn catch_up(&mut self) {
        let (mut changed, last) = self.view.changed(&self.prefix, self.seen);
        // In the order of their positions: a reader that resumes after the last one it got must miss none.
        changed.sort_unstable_by_key(|change| change.number);
        self.waiting
            .extend(changed.into_iter().map(|change| change.entry));
        self.seen = last;
    }

    async fn next(mut self) -> Option<(Result<ErasedEntry, ViewError>, Self)> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Some((Ok(entry), self));
            }
            if self.ended {
                return None;
            }
            let (changes, progress) = (&mut self.changes, &mut self.progress);
            let stopped = tokio::select! {
                biased;
                change = changes.recv() => Ok(change),
                stopped = progress.wait_for(|status| status.stopped.is_some()) => {
                    Err(stopped.ok().and_then(|status| status.stopped.clone()))
                }
            };
            match stopped {
                Ok(Ok(Change { number, entry })) => {
                    if number > self.seen {
                        self.seen = number;
                        if is_under(&entry.key, &self.prefix) {
                            return Some((Ok(entry), self));
                        }
                    }
                }
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.catch_up(),
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Err(reason) => {
                    self.ended = true;
                    self.catch_up();
                    match reason {
                        Some(ViewError::ShutDown) | None => {}
                        Some(error) => return Some((Err(error), self)),
                    }
                }
            }
        }
    }
}
