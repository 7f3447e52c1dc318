//! Views in the memory of this process: folded from the first event at every start, then live.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::record::{Position, RecordedEvent};
use crate::store::{
    ErasedEntry, HostedView, Read, Store, StoreError, ViewDefinition, ViewError, ViewHost,
    ViewProgress, ViewStatus,
};
use crate::trouble::limited;

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
        let shared = Arc::new(Shared {
            progress: ViewProgress::new(&view, &BTreeMap::new()),
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
            stopped.progress.stop(ViewError::ShutDown);
        });
        Ok(Arc::new(MemoryView(shared)))
    }
}

struct MemoryView(Arc<Shared>);

struct Shared {
    definition: ViewDefinition,
    content: RwLock<Content>,
    progress: ViewProgress,
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
                    if let Err(error) = view.apply(&event) {
                        tracing::error!(%error, "the view has stopped");
                        view.progress.stop(error);
                        return;
                    }
                    after = event.position();
                    view.progress.advance(&log, after);
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
            view.progress.stop(ViewError::Store(failure));
            return;
        }
        limited!(WARN, "the log of the view cannot be read, trying again", view = view_name, error = %failure);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

impl Shared {
    fn apply(&self, event: &RecordedEvent) -> Result<(), ViewError> {
        let definition = &self.definition;
        let Some(key) = definition.key_of(event)? else {
            return Ok(());
        };
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let number = content.changes + 1;
        let changed = if let Some(change) = content.entries.get_mut(&*key) {
            definition.apply(&mut change.entry.state, event)?;
            change.entry.position = event.position();
            change.number = number;
            change.clone()
        } else {
            // A new instance is kept only if the event could be applied to it.
            let mut state = definition.fold.create();
            definition.apply(&mut state, event)?;
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
        self.0.progress.check()?;
        let content = self
            .0
            .content
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(content.entries.get(key).map(|change| change.entry.clone()))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ErasedEntry>, ViewError> {
        self.0.progress.check()?;
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
            let positions = self.0.progress.status().positions;
            positions.len() == 1 && positions.values().all(|at| after <= at)
        });
        let watcher = Watcher::new(self.0.clone(), prefix, after);
        futures_util::stream::unfold(watcher, Watcher::next).boxed()
    }

    async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError> {
        self.0.progress.reached(log, position).await
    }

    fn status(&self) -> ViewStatus {
        self.0.progress.status()
    }
}

struct Watcher {
    view: Arc<Shared>,
    prefix: String,
    changes: broadcast::Receiver<Change>,
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
            let stopped = tokio::select! {
                biased;
                change = self.changes.recv() => Ok(change),
                stopped = self.view.progress.stopped() => Err(stopped),
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
                        ViewError::ShutDown => {}
                        error => return Some((Err(error), self)),
                    }
                }
            }
        }
    }
}
