//! A store in memory of which a test changes some functions.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{
    Append, AppendError, Appended, AuditTrail, InboxHost, Item, Load, Loaded, LogSpec, Read,
    ViewHost,
};
use eventmodel::{MemoryStore, Position, Store, StoreError};
use futures_util::stream::BoxStream;

/// What a test puts around a store in memory. What it does not say is the store's.
#[async_trait]
pub trait Around: Debug + Send + Sync + 'static {
    /// The store.
    fn inner(&self) -> &MemoryStore;

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.inner().append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.inner().load(load).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.inner().last_position(log).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        self.inner().read(read)
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        None
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        self.inner().inboxes()
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        None
    }
}

/// The store with what is put around it.
#[derive(Debug)]
pub struct Layer<T>(pub Arc<T>);

#[async_trait]
impl<T: Around> Store for Layer<T> {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.0.inner().open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.0.append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.0.load(load).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.0.inner().revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.0.inner().committed(log, command, subjects).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.0.last_position(log).await
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        self.0.inner().incarnation(log)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        self.0.read(read)
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        self.0.views()
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        self.0.inboxes()
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        self.0.audit()
    }
}
