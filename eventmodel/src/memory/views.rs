//! Views in the memory of this process: folded from the first event at every start, then live.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::record::{Position, RecordedEvent};
use crate::store::{
    AnyInstance, HostedView, NotApplied, OpenView, ViewDefinition, ViewError, ViewEvent, ViewHost,
    ViewPage, ViewProgress, ViewTable,
};

/// Keeps views in memory. A replica in each process; nothing is written.
#[derive(Debug, Default)]
pub struct MemoryViews;

/// How many changes a watcher may be behind before it is given the newest values instead.
const WATCH_BACKLOG: usize = 1024;

#[async_trait]
impl ViewHost for MemoryViews {
    async fn open(
        &self,
        view: Arc<ViewDefinition>,
        _: CancellationToken,
    ) -> Result<OpenView, ViewError> {
        let positions = view.logs.iter().map(|log| (log.clone(), Position::START));
        let progress = Arc::new(ViewProgress::new(view.name(), positions.collect()));
        let shared = Arc::new(Shared {
            progress: progress.clone(),
            content: RwLock::default(),
            changes: broadcast::Sender::new(WATCH_BACKLOG),
            definition: view,
        });
        let hosted = Arc::new(MemoryView(shared.clone()));
        let applied = vec![Position::START; shared.definition.logs.len()];
        let table = Table { shared, applied };
        Ok(OpenView::new(hosted, Box::new(table), progress))
    }
}

struct Table {
    shared: Arc<Shared>,
    /// The last event of each log that is applied.
    applied: Vec<Position>,
}

#[async_trait]
impl ViewTable for Table {
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), NotApplied> {
        for (
            number,
            ViewEvent {
                log, event, key, ..
            },
        ) in events.iter().enumerate()
        {
            if event.position() <= self.applied[*log] {
                continue;
            }
            if let Some(key) = key {
                let applied = self.shared.apply(key, event);
                applied.map_err(|error| NotApplied::at(number, error))?;
            }
            self.applied[*log] = event.position();
        }
        Ok(())
    }
}

struct MemoryView(Arc<Shared>);

struct Shared {
    definition: Arc<ViewDefinition>,
    content: RwLock<Content>,
    progress: Arc<ViewProgress>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct Content {
    entries: BTreeMap<Arc<str>, Change>,
    /// Counts the changes. Positions of several logs cannot be compared, these can.
    changes: u64,
    /// Why an instance may be half of what it should be. The view stops, and must not show it until then.
    torn: Option<ViewError>,
}

/// An instance, and the number of its last change.
#[derive(Clone)]
struct Change {
    number: u64,
    entry: AnyInstance,
}

impl Shared {
    fn apply(&self, key: &Arc<str>, event: &RecordedEvent) -> Result<(), ViewError> {
        let definition = &self.definition;
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let number = content.changes + 1;
        let changed = if let Some(change) = content.entries.get_mut(key) {
            if let Err(error) = definition.apply(&mut change.entry.state, event) {
                content.torn = Some(error.clone());
                return Err(error);
            }
            change.entry.position = event.position();
            change.number = number;
            change.clone()
        } else {
            // A new instance is kept only if the event could be applied to it.
            let mut state = definition.fold.create();
            definition.apply(&mut state, event)?;
            let entry = AnyInstance {
                key: key.clone(),
                position: event.position(),
                state,
            };
            let change = Change { number, entry };
            content.entries.insert(key.clone(), change.clone());
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

    /// The content, unless an instance in it may be half of what it should be.
    fn whole(&self) -> Result<RwLockReadGuard<'_, Content>, ViewError> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        match &content.torn {
            Some(error) => Err(error.clone()),
            None => Ok(content),
        }
    }

    /// The instances under a prefix that changed after change number `since`, and the number of the last change.
    fn changed(&self, prefix: &str, since: u64) -> (Vec<Change>, u64) {
        // A watcher is told why the view stops.
        let Ok(content) = self.whole() else {
            return (Vec::new(), since);
        };
        let changed = content.under(prefix, None);
        let changed = changed.filter(|change| change.number > since).cloned();
        (changed.collect(), content.changes)
    }
}

impl Content {
    /// The instances under a prefix whose keys come after a key.
    fn under<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Change> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.entries
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(key, _)| is_under(key, prefix))
            .map(|(_, change)| change)
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
    async fn get(&self, key: &str) -> Result<Option<AnyInstance>, ViewError> {
        let content = self.0.whole()?;
        Ok(content.entries.get(key).map(|change| change.entry.clone()))
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewPage, ViewError> {
        let content = self.0.whole()?;
        let mut rest = content.under(prefix, after);
        let page = rest.by_ref().take(limit);
        let entries = page.map(|change| change.entry.clone()).collect();
        Ok(ViewPage::new(entries, rest.next().is_some()))
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        let watcher = Watcher::new(self.0.clone(), prefix, after);
        futures_util::stream::unfold(watcher, Watcher::next).boxed()
    }
}

struct Watcher {
    view: Arc<Shared>,
    prefix: String,
    changes: broadcast::Receiver<Change>,
    /// What is to be shown before the changes, in the order of the changes.
    waiting: VecDeque<AnyInstance>,
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

    async fn next(mut self) -> Option<(Result<AnyInstance, ViewError>, Self)> {
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
