//! Hosts of views, inboxes and audit trails that are wrong in one way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use eventmodel::memory;
use eventmodel::store::{
    AnyInstance, HostedView, NotApplied, OpenView, ViewDefinition, ViewEvent, ViewHost, ViewPage,
    ViewProgress, ViewTable,
};
use eventmodel::store::{
    AuditEntry, AuditQuery, AuditTrail, Inbox, InboxHost, InboxSpec, Item, Parking,
};
use eventmodel::{MemoryStore, Position, Store, StoreError, ViewError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use support::layer::{Around, Layer};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    SaysItHasReached,
    SkipsEvents,
    ListsByText,
    WatchesOnlyWhatChanges,
    LosesChanges,
    ForgetsWhereAWatcherWas,
    LosesWhatIsDropped,
    NeverRepeats,
    Forgets,
    TellsTheOldestFirst,
    RoundsTimes,
}

/// A store in memory with such a host.
#[derive(Debug)]
pub(crate) struct WrongHosts {
    store: MemoryStore,
    wrong: Wrong,
    taken: Arc<AtomicU64>,
    trail: Arc<dyn DebugTrail>,
}

trait DebugTrail: AuditTrail + std::fmt::Debug {}
impl<T: AuditTrail + std::fmt::Debug> DebugTrail for T {}

impl WrongHosts {
    pub(crate) fn new(wrong: Wrong) -> Layer<Self> {
        Layer(Arc::new(Self {
            store: MemoryStore::new(),
            wrong,
            taken: Arc::default(),
            trail: Arc::new(eventmodel::memory::MemoryAudit::default()),
        }))
    }
}

#[async_trait]
impl Around for WrongHosts {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        let views = memory::views_of(&self.store);
        Some(Arc::new(Views(views, self.wrong)))
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        let inboxes = match self.wrong {
            Wrong::Forgets => memory::inboxes_of(&MemoryStore::new()),
            _ => memory::inboxes_of(&self.store),
        };
        Some(Arc::new(Inboxes(inboxes, self.wrong, self.taken.clone())))
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        Some(Arc::new(Trail(self.trail.clone(), self.wrong)))
    }
}

struct Views(Arc<dyn ViewHost>, Wrong);

#[async_trait]
impl ViewHost for Views {
    async fn open(
        &self,
        view: Arc<ViewDefinition>,
        stop: CancellationToken,
    ) -> Result<OpenView, ViewError> {
        let logs = view.logs.clone();
        let open = self.0.open(view, stop).await?;
        if self.1 == Wrong::SaysItHasReached {
            for log in &logs {
                open.progress.advance(log, Position::new(1 << 62));
            }
        }
        let view = View(open.hosted, self.1, open.progress.clone());
        let table = match self.1 {
            Wrong::SkipsEvents => Box::new(Skipping(open.table, 0)),
            _ => open.table,
        };
        Ok(OpenView::new(Arc::new(view), table, open.progress))
    }
}

/// Loses each fifth event.
struct Skipping(Box<dyn ViewTable>, u64);

#[async_trait]
impl ViewTable for Skipping {
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), NotApplied> {
        let mut kept = events.to_vec();
        kept.retain(|_| {
            self.1 += 1;
            !self.1.is_multiple_of(5)
        });
        self.0.apply(&kept).await
    }
}

struct View(Arc<dyn HostedView>, Wrong, Arc<ViewProgress>);

#[async_trait]
impl HostedView for View {
    async fn get(&self, key: &str) -> Result<Option<AnyInstance>, ViewError> {
        self.0.get(key).await
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewPage, ViewError> {
        if self.1 != Wrong::ListsByText {
            return self.0.page(prefix, after, limit).await;
        }
        let mut page = self.0.page("", after, limit).await?;
        page.instances.retain(|entry| entry.key.starts_with(prefix));
        Ok(page)
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        let reached = self.2.status().positions.into_values().max();
        match self.1 {
            Wrong::WatchesOnlyWhatChanges => self.0.watch(prefix, reached),
            Wrong::ForgetsWhereAWatcherWas => self.0.watch(prefix, None),
            Wrong::LosesChanges => {
                let changes = self.0.watch(prefix, after).enumerate();
                let kept = changes.filter(|(n, change)| {
                    let key = change.as_ref().map(|change| change.key.clone());
                    let is_last = key.is_ok_and(|key| key.split('.').next_back() == Some("last"));
                    std::future::ready(*n < 5 || is_last)
                });
                kept.map(|(_, change)| change).boxed()
            }
            _ => self.0.watch(prefix, after),
        }
    }
}

struct Inboxes(Arc<dyn InboxHost>, Wrong, Arc<AtomicU64>);

#[async_trait]
impl InboxHost for Inboxes {
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        let inbox = self.0.open(spec, store).await?;
        Ok(Box::new(WrongInbox(inbox, self.1, self.2.clone())))
    }
}

struct WrongInbox(Box<dyn Inbox>, Wrong, Arc<AtomicU64>);

#[async_trait]
impl Inbox for WrongInbox {
    async fn next(&self) -> Result<Item, StoreError> {
        loop {
            let item = self.0.next().await?;
            match self.1 {
                Wrong::LosesWhatIsDropped => tokio::task::yield_now().await,
                Wrong::NeverRepeats => {
                    let position = item.position().get();
                    if self.2.fetch_max(position, Ordering::SeqCst) >= position {
                        continue;
                    }
                }
                _ => {}
            }
            return Ok(item);
        }
    }

    async fn done(&self, item: &Item) -> Result<(), StoreError> {
        self.0.done(item).await
    }

    async fn handled(&self) -> Result<Position, StoreError> {
        self.0.handled().await
    }

    fn parking(&self) -> Arc<dyn Parking> {
        self.0.parking()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

struct Trail(Arc<dyn DebugTrail>, Wrong);

#[async_trait]
impl AuditTrail for Trail {
    fn record(&self, mut entry: AuditEntry) {
        if self.1 == Wrong::RoundsTimes {
            let second = entry.time.as_second();
            entry.time = jiff::Timestamp::from_second(second).expect("it is in range");
        }
        self.0.record(entry);
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let mut found = self.0.query(query).await?;
        if self.1 == Wrong::TellsTheOldestFirst {
            found.reverse();
        }
        Ok(found)
    }
}
