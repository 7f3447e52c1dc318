//! A store in memory that keeps snapshots, or breaks in one way what it promises of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{
    Append, AppendError, Appended, Item, Limits, Load, Loaded, LoadedSnapshot, LogSpec, Read,
    Snapshot,
};
use eventmodel::{MemoryStore, Position, Store, StoreError};
use futures_util::stream::BoxStream;
use tokio::sync::Mutex;

/// Which snapshots it gives back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Those of the last event.
    #[default]
    Newest,
    /// Those of the last event that has one.
    Older,
    // What follows is wrong.
    OlderAsNewest,
    OfAnyFold,
    OfAnySubject,
    OfARefusedAppend,
    OfAnAppendThatWasStoredBefore,
    Unasked,
    WithoutTheEventsAfterIt,
    CutShort,
    Never,
}

#[derive(Clone, Debug)]
pub(crate) struct Keeper(Arc<Inner>);

/// Snapshots, and where on their subject they are.
type Kept = Vec<(Position, Snapshot)>;

#[derive(Debug)]
struct Inner {
    memory: MemoryStore,
    keeping: Keeping,
    max: usize,
    /// By log, in the order in which they came.
    kept: Mutex<HashMap<Arc<str>, Kept>>,
    loaded: AtomicUsize,
}

impl Keeper {
    /// So many bytes fit beside an event.
    pub(crate) const MAX: usize = 300;

    pub(crate) fn new(keeping: Keeping) -> Self {
        Self::with_max(keeping, Self::MAX)
    }

    pub(crate) fn with_max(keeping: Keeping, max: usize) -> Self {
        Self(Arc::new(Inner {
            memory: MemoryStore::new(),
            keeping,
            max,
            kept: Mutex::default(),
            loaded: AtomicUsize::new(0),
        }))
    }

    /// How many events were loaded since this was asked last.
    pub(crate) fn loaded(&self) -> usize {
        self.0.loaded.swap(0, Ordering::Relaxed)
    }

    /// The snapshots that were sent, as `subject: state`.
    pub(crate) async fn sent(&self) -> Vec<String> {
        let kept = self.0.kept.lock().await;
        let text = |(_, snapshot): &(Position, Snapshot)| {
            let state = String::from_utf8_lossy(&snapshot.state);
            format!("{}: {state}", snapshot.subject)
        };
        kept.values().flatten().map(text).collect()
    }

    /// Writes something else into all snapshots.
    pub(crate) async fn spoil(&self, state: &'static str) {
        for (_, snapshot) in self.0.kept.lock().await.values_mut().flatten() {
            snapshot.state = state.into();
        }
    }

    fn is(&self, keeping: Keeping) -> bool {
        self.0.keeping == keeping
    }
}

#[async_trait]
impl Store for Keeper {
    fn limits(&self) -> Limits {
        Limits::default().snapshot(self.0.max)
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let mut kept = self.0.kept.lock().await;
        let (log, snapshots) = (append.log().clone(), append.snapshots().to_vec());
        let kept = kept.entry(log).or_default();
        let mut sizes: HashMap<Subject, usize> = HashMap::new();
        for snapshot in &snapshots {
            *sizes.entry(snapshot.subject.clone()).or_default() += snapshot.state.len();
        }
        assert!(sizes.values().all(|size| *size <= self.0.max), "{sizes:?}");
        let expected: Vec<_> = append.guards().to_vec();
        let answer = self.0.memory.append(append).await;
        let revisions = match &answer {
            Ok(appended) if appended.already_committed => {
                if !self.is(Keeping::OfAnAppendThatWasStoredBefore) {
                    return answer;
                }
                &appended.revisions
            }
            Ok(appended) => &appended.revisions,
            Err(AppendError::Conflict { .. }) if self.is(Keeping::OfARefusedAppend) => &expected,
            Err(_) => return answer,
        };
        for snapshot in snapshots {
            let position = revisions
                .iter()
                .find(|guard| guard.subject == snapshot.subject)
                .map(|guard| guard.expected)
                .expect("the engine sends snapshots of what it writes");
            kept.push((position, snapshot));
        }
        answer
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let kept = self.0.kept.lock().await;
        let mut loaded = self.0.memory.load(load.clone()).await?;
        assert!(load.snapshot.is_none() || load.after == Position::START);
        let found = kept.get(&load.log).into_iter().flatten();
        let found = found.filter(|(position, snapshot)| {
            let is_asked = match load.snapshot {
                Some(fold) => snapshot.fold == fold || self.is(Keeping::OfAnyFold),
                None => self.is(Keeping::Unasked) && load.after == Position::START,
            };
            let is_here = snapshot.subject == load.subject || self.is(Keeping::OfAnySubject);
            let is_in_time = match self.0.keeping {
                Keeping::Newest | Keeping::CutShort => *position == loaded.revision,
                Keeping::Never => false,
                _ => true,
            };
            is_asked && is_here && is_in_time
        });
        if let Some((position, snapshot)) = found.last() {
            let (mut position, mut state) = (*position, snapshot.state.clone());
            match self.0.keeping {
                Keeping::OlderAsNewest => {
                    position = loaded.revision;
                    loaded.items.clear();
                }
                Keeping::WithoutTheEventsAfterIt => loaded.items.clear(),
                Keeping::CutShort => state.truncate(100),
                _ => {}
            }
            loaded.items.retain(|item| item.position() > position);
            loaded.snapshot = Some(LoadedSnapshot { position, state });
        }
        let count = loaded.items.len();
        self.0.loaded.fetch_add(count, Ordering::Relaxed);
        Ok(loaded)
    }

    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.0.memory.open(logs).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.0.memory.revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.0.memory.committed(log, command, subjects).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.0.memory.last_position(log).await
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        self.0.memory.incarnation(log)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        self.0.memory.read(read)
    }
}
