//! Views in the memory of this process: folded from the first event at every start, then live.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::record::{Position, RecordedEvent};
use crate::store::{
    AnyInstance, HostedView, NotApplied, OpenView, ViewDefinition, ViewError, ViewEvent, ViewHost,
    ViewPage, ViewProgress, ViewTable, under,
};

/// Keeps views in memory. A replica in each process; nothing is written.
#[derive(Debug, Default)]
pub struct MemoryViews;

/// How many changes a watcher may be behind before it is given the newest values instead.
const WATCH_BACKLOG: usize = 1024;

/// How many instances a watcher takes at a time of those that it was not told of: all that it holds of a view.
const WATCH_PAGE: usize = 128;

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
    /// The keys by the numbers of their last changes, once a watcher needs them and as long as there are watchers.
    /// They all read on in it, each from the number that it has seen.
    order: Option<BTreeMap<u64, Arc<str>>>,
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
        let content = &mut *content;
        let number = content.changes + 1;
        let mut before = None;
        let change = if let Some(change) = content.entries.get_mut(key) {
            if let Err(error) = definition.apply(&mut change.entry.state, event) {
                content.torn = Some(error.clone());
                return Err(error);
            }
            change.entry.position = event.position();
            before = Some(std::mem::replace(&mut change.number, number));
            change
        } else {
            // A new instance is kept only if the event could be applied to it.
            let mut state = definition.fold.create();
            definition.apply(&mut state, event)?;
            let entry = AnyInstance::new(key.clone(), event.position(), state);
            let change = Change { number, entry };
            content.entries.entry(key.clone()).or_insert(change)
        };
        content.changes = number;
        if self.changes.receiver_count() == 0 {
            content.order = None;
            return Ok(());
        }
        if let Some(order) = &mut content.order {
            before.and_then(|before| order.remove(&before));
            order.insert(number, key.clone());
        }
        // An error says that the last watcher has just gone. Sent under the lock, so that what a watcher reads and
        // what it is told meet without a gap.
        let _ = self.changes.send(change.clone());
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The content, unless an instance in it may be half of what it should be.
    fn whole(&self) -> Result<RwLockReadGuard<'_, Content>, ViewError> {
        let content = self.read();
        match &content.torn {
            Some(error) => Err(error.clone()),
            None => Ok(content),
        }
    }

    /// A page of the instances under a prefix whose last change has a number after `since` and up to `until`, in the
    /// order of these numbers: a reader that resumes after the position of the last one it got must miss none. Also
    /// returns the number up to which these are all.
    fn changed(&self, prefix: &str, since: u64, until: u64) -> (Vec<AnyInstance>, u64) {
        // A watcher is told why the view stops.
        let Ok(content) = self.whole() else {
            return (Vec::new(), until);
        };
        let few = under(&content.entries, prefix, None).map(|(_, change)| change);
        let mut few: Vec<&Change> = few.take(WATCH_PAGE + 1).collect();
        if few.len() <= WATCH_PAGE {
            few.retain(|change| change.number > since && change.number <= until);
            few.sort_unstable_by_key(|change| change.number);
            let few = few.into_iter().map(|change| change.entry.clone());
            return (few.collect(), until);
        }
        let Some(order) = &content.order else {
            drop(few);
            drop(content);
            self.put_in_order();
            return self.changed(prefix, since, until);
        };
        let mut page = Vec::with_capacity(WATCH_PAGE);
        for (number, key) in order.range((Excluded(since), Included(until))) {
            if is_under(key, prefix)
                && let Some(change) = content.entries.get(key)
            {
                page.push(change.entry.clone());
                if page.len() == WATCH_PAGE {
                    return (page, *number);
                }
            }
        }
        (page, until)
    }

    fn put_in_order(&self) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let Content { entries, order, .. } = &mut *content;
        order.get_or_insert_with(|| {
            let numbered = entries.iter();
            let numbered = numbered.map(|(key, change)| (change.number, key.clone()));
            numbered.collect()
        });
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
        let mut rest = under(&content.entries, prefix, after);
        let page = rest.by_ref().take(limit);
        let entries = page.map(|(_, change)| change.entry.clone()).collect();
        Ok(ViewPage::new(entries, rest.next().is_some()))
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        let watcher = Watcher::new(&self.0, prefix, after);
        futures_util::stream::unfold(Some(watcher), |watcher| async move {
            let mut watcher = watcher?;
            match watcher.next().await {
                Ok(entry) => Some((Ok(entry), Some(watcher))),
                Err(ViewError::ShutDown) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Reads pages of what it was not told of, then is told of each change. It keeps no more of a view than a page, however
/// large the view is and however far it is behind.
struct Watcher {
    view: Arc<Shared>,
    prefix: String,
    after: Position,
    changes: broadcast::Receiver<Change>,
    page: std::vec::IntoIter<AnyInstance>,
    /// The number of the last change that was shown, or is in the page.
    seen: u64,
    /// Up to this number it reads.
    until: u64,
    stopped: Option<ViewError>,
}

impl Watcher {
    fn new(view: &Arc<Shared>, prefix: &str, after: Option<Position>) -> Self {
        let content = view.read();
        Self {
            changes: view.changes.subscribe(),
            until: content.changes,
            view: view.clone(),
            prefix: prefix.to_owned(),
            after: after.unwrap_or_default(),
            page: Vec::new().into_iter(),
            seen: 0,
            stopped: None,
        }
    }

    async fn next(&mut self) -> Result<AnyInstance, ViewError> {
        loop {
            if let Some(entry) = self.page.next() {
                return Ok(entry);
            }
            if self.seen < self.until {
                let (mut page, seen) = self.view.changed(&self.prefix, self.seen, self.until);
                page.retain(|entry| entry.position > self.after);
                (self.page, self.seen) = (page.into_iter(), seen);
                continue;
            }
            if let Some(reason) = &self.stopped {
                return Err(reason.clone());
            }
            tokio::select! {
                biased;
                change = self.changes.recv() => match change {
                    Ok(Change { number, entry }) if number > self.seen => {
                        self.seen = number;
                        if is_under(&entry.key, &self.prefix) {
                            return Ok(entry);
                        }
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.until = self.view.read().changes,
                    Err(RecvError::Closed) => return Err(ViewError::ShutDown),
                },
                reason = self.view.progress.stopped() => {
                    self.until = self.view.read().changes;
                    self.stopped = Some(reason);
                }
            }
        }
    }
}
