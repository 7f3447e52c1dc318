//! The store: which log an operation is for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::Store;
use eventmodel::memory::MemoryAudit;
use eventmodel::record::{CommandRef, Incarnation, Subject};
use eventmodel::store::{Append, AppendError, Appended, Item, Limits, Load, Loaded, LogSpec, Read};
use eventmodel::store::{AuditTrail, InboxHost, ViewHost};
use eventmodel::{CommandId, Position, StoreError};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};

use crate::audit::{NatsAudit, Trail};
use crate::connect::connection::{Connection, ConnectionEvent};
use crate::connect::setup::Setup;
use crate::inbox::NatsInboxes;
use crate::log::Source;
use crate::log::append::MAX_BATCH;
use crate::log::logs::Logs;
use crate::log::snapshot;
use crate::views::{KvHost, Views};

/// Keeps logs in NATS JetStream: one JetStream stream for each log. Clones share the connection.
///
/// ```no_run
/// # async fn show() -> Result<(), eventmodel_nats::ConnectError> {
/// use eventmodel_nats::NatsStore;
///
/// let store = NatsStore::connect("nats://localhost:4222").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NatsStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    logs: Arc<Logs>,
    views: Views,
    audit: NatsAudit,
}

impl NatsStore {
    pub(crate) fn new(connection: Connection, setup: Setup, views: Views) -> Self {
        let audit = NatsAudit(Arc::new(Trail::new(connection.clone(), setup.clone())));
        let logs = Logs::new(connection, setup);
        Self(Arc::new(Inner { logs, views, audit }))
    }

    /// The events of the connection from now on.
    pub fn connection_events(&self) -> BoxStream<'static, ConnectionEvent> {
        let events = self.connection().events.subscribe();
        // A listener that misses an event goes on.
        tokio_stream::wrappers::BroadcastStream::new(events)
            .filter_map(async |event| event.ok())
            .boxed()
    }

    /// The client, for what eventmodel does not do.
    pub fn client(&self) -> &async_nats::Client {
        &self.connection().client
    }

    /// Sends what waits, and closes the connection. Shut the apps on this store down first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the connection is already closed.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.audit.flush().await;
        let drained = self.connection().client.drain().await;
        drained.map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.logs.connection
    }
}

#[async_trait]
impl Store for NatsStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        for spec in logs {
            self.0.logs.open(spec).await?;
        }
        Ok(())
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let log = self.0.logs.verified(append.log()).await?;
        log.append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        // A load from the start relies on nothing seen earlier.
        let log = match load.after {
            Position::START => self.0.logs.get(&load.log)?,
            _ => self.0.logs.verified(&load.log).await?,
        };
        log.load(&load).await
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        let created = self.0.logs.get(log)?.created.as_nanosecond();
        Ok(Incarnation::new(u64::try_from(created).unwrap_or_default()))
    }

    fn limits(&self) -> Limits {
        let payload = self.0.logs.connection.client.max_payload();
        let limits = Limits::default().records(MAX_BATCH);
        limits.payload(payload).snapshot(snapshot::MAX)
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        let log = self.0.logs.verified(log).await?;
        let last = log.last(subject.as_str(), Source::Leader).await?;
        Ok(Position::new(last.map_or(0, |last| last.sequence)))
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let log = self.0.logs.verified(log).await?;
        log.committed(command, subjects).await
    }

    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        let Ok(log) = self.0.logs.get(log) else {
            return false;
        };
        log.command_ids.may_have(subject, until.get(), command) == Some(false)
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.0.logs.get(log)?.last_position().await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        match self.0.logs.get(&read.log) {
            Ok(log) => crate::log::read::events::read(log, read),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        match &self.0.views {
            Views::Memory => None,
            Views::Kv(options) => Some(Arc::new(KvHost {
                logs: self.0.logs.clone(),
                options: options.clone(),
            })),
        }
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        Some(Arc::new(NatsInboxes(self.0.logs.clone())))
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        Some(if self.0.logs.setup.audit_max_age.is_zero() {
            Arc::new(MemoryAudit::new(Duration::ZERO, 0))
        } else {
            Arc::new(self.0.audit.clone())
        })
    }
}
