//! A store that fails as it is told to: for the cases that chance finds once in a thousand runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eventmodel::Store;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{Append, AppendError, Appended, Item, Load, Loaded, LogSpec, Read};
use eventmodel::{CommandId, MemoryStore, Position, StoreError};
use futures_util::stream::BoxStream;

/// What becomes of an append.
pub(crate) enum Fate {
    /// It is stored, and the answer is lost.
    AckLost,
    /// It does not arrive yet, and nothing is known of it.
    Late,
    /// It ends in a conflict with a write that fails itself.
    InTheWay,
    /// The store breaks, for good.
    Broken,
}

#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Inner>);

#[derive(Default)]
struct Inner {
    memory: MemoryStore,
    appends: Mutex<VecDeque<Fate>>,
    late: Mutex<Vec<Append>>,
    arrive_before_load: AtomicBool,
    stale: AtomicBool,
    questions: AtomicUsize,
}

impl Scripted {
    /// What becomes of the next appends. After them, all goes well.
    pub(crate) fn next_appends(&self, fates: impl IntoIterator<Item = Fate>) {
        self.0.appends.lock().unwrap().extend(fates);
    }

    /// What is late arrives just before the next load.
    pub(crate) fn late_appends_arrive_before_the_next_load(&self) {
        self.0.arrive_before_load.store(true, Ordering::Relaxed);
    }

    /// The next load is answered by a replica that knows no more than it has to.
    pub(crate) fn next_load_is_stale(&self) {
        self.0.stale.store(true, Ordering::Relaxed);
    }

    /// What is late arrives now.
    pub(crate) async fn late_appends_arrive(&self) {
        let late = std::mem::take(&mut *self.0.late.lock().unwrap());
        for append in late {
            // Nobody waits for the answer.
            let _ = self.0.memory.append(append).await;
        }
    }

    /// How often it was asked what a command has committed.
    pub(crate) fn questions(&self) -> usize {
        self.0.questions.load(Ordering::Relaxed)
    }

    pub(crate) async fn length(&self, log: &str) -> u64 {
        let last = self.0.memory.last_position(&log.into()).await;
        last.unwrap().get()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl Store for Scripted {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.0.memory.open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let unknown = || AppendError::Unknown {
            reason: "nobody knows".into(),
        };
        let fate = self.0.appends.lock().unwrap().pop_front();
        match fate {
            None => self.0.memory.append(append).await,
            Some(Fate::AckLost) => {
                self.0.memory.append(append).await?;
                Err(unknown())
            }
            Some(Fate::Late) => {
                self.0.late.lock().unwrap().push(append);
                Err(unknown())
            }
            Some(Fate::InTheWay) => Err(AppendError::Conflict {
                subject: None,
                actual: None,
            }),
            Some(Fate::Broken) => Err(StoreError::failed("the disk is full").into()),
        }
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        if self.0.arrive_before_load.swap(false, Ordering::Relaxed) {
            self.late_appends_arrive().await;
        }
        let known = load.floor.max(load.after);
        let mut loaded = self.0.memory.load(load).await?;
        if self.0.stale.swap(false, Ordering::Relaxed) {
            loaded.items.retain(|item| item.position() <= known);
            loaded.revision = known;
        }
        Ok(loaded)
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
        self.0.questions.fetch_add(1, Ordering::Relaxed);
        self.0.memory.committed(log, command, subjects).await
    }

    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        self.0.memory.is_absent(log, subject, until, command)
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
