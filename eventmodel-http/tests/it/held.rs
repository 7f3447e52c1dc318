//! A store that can be held, and that can fail.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{Append, AppendError, Appended, Item, Load, Loaded, LogSpec, Read};
use eventmodel::{MemoryStore, Position, Store, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::watch;

/// The memory store, with a gate before appends and one before what readers get.
#[derive(Clone, Debug)]
pub(crate) struct HeldStore {
    store: MemoryStore,
    append: watch::Sender<bool>,
    read: watch::Sender<bool>,
    appending: watch::Sender<usize>,
    failure: Arc<Mutex<Option<AppendError>>>,
}

impl HeldStore {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            append: watch::Sender::new(true),
            read: watch::Sender::new(true),
            appending: watch::Sender::new(0),
            failure: Arc::default(),
        }
    }

    pub(crate) fn hold_appends(&self) {
        self.append.send_replace(false);
    }

    pub(crate) fn release_appends(&self) {
        self.append.send_replace(true);
    }

    /// Waits until so many appends have arrived.
    pub(crate) async fn appending(&self, appends: usize) {
        let mut appending = self.appending.subscribe();
        appending.wait_for(|seen| *seen >= appends).await.unwrap();
    }

    /// Views and automations get nothing more.
    pub(crate) fn hold_readers(&self) {
        self.read.send_replace(false);
    }

    pub(crate) fn release_readers(&self) {
        self.read.send_replace(true);
    }

    /// Every append fails like this.
    pub(crate) fn fail(&self, error: Option<AppendError>) {
        *self.failure.lock().unwrap() = error;
    }
}

#[async_trait]
impl Store for HeldStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.store.open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.appending.send_modify(|appends| *appends += 1);
        let mut gate = self.append.subscribe();
        gate.wait_for(|open| *open).await.unwrap();
        let failure = self.failure.lock().unwrap().clone();
        match failure {
            Some(error) => Err(error),
            None => self.store.append(append).await,
        }
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.store.load(load).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.store.revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.store.committed(log, command, subjects).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.store.last_position(log).await
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        self.store.incarnation(log)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let gate = self.read.clone();
        let wait = move |item| {
            let mut gate = gate.subscribe();
            async move {
                let _ = gate.wait_for(|open| *open).await;
                item
            }
        };
        self.store.read(read).then(wait).boxed()
    }
}
