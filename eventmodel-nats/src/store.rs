//! The store: which log an operation is for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::store::{Append, AppendError, Appended, Load, Loaded, LogSpec, Read, Store};
use eventmodel::view::ViewHost;
use eventmodel::{
    __limited as limited, AuditTrail, CommandId, CommandRef, InboxHost, MemoryAudit, Position,
    RecordedEvent, StoreError, Subject,
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;

use crate::audit::{NatsAudit, Trail};
use crate::builder::NatsStoreBuilder;
use crate::connect::connection::{Connection, ConnectionEvent};
use crate::connect::error::ConnectError;
use crate::connect::setup::Setup;
use crate::inbox::NatsInboxes;
use crate::log::Log;
use crate::log::Source;
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
    connection: Connection,
    setup: Setup,
    views: Views,
    audit: NatsAudit,
    logs: RwLock<HashMap<Arc<str>, Arc<Log>>>,
}

impl NatsStore {
    /// Connects to the servers at these addresses, separated by commas: `nats://localhost:4222`.
    ///
    /// # Errors
    /// [`ConnectError`] if there is no server, it refuses, or it is too old.
    pub async fn connect(servers: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::builder().connect(servers).await
    }

    /// Sets what differs from the defaults: replicas, credentials, TLS.
    pub fn builder() -> NatsStoreBuilder {
        NatsStoreBuilder::new()
    }

    pub(crate) fn new(connection: Connection, setup: Setup, views: Views) -> Self {
        let logs = RwLock::default();
        let audit = NatsAudit(Arc::new(Trail::new(connection.clone(), setup.clone())));
        let store = Self(Arc::new(Inner {
            connection,
            setup,
            views,
            audit,
            logs,
        }));
        tokio::spawn(verify_on_reconnect(
            store.0.connection.events.subscribe(),
            Arc::downgrade(&store.0),
        ));
        store
    }

    /// What happens to the connection from now on.
    pub fn connection_events(&self) -> BoxStream<'static, ConnectionEvent> {
        let events = self.0.connection.events.subscribe();
        // One that was missed is no reason to end.
        tokio_stream::wrappers::BroadcastStream::new(events)
            .filter_map(async |event| event.ok())
            .boxed()
    }

    /// The connection, for what eventmodel does not do.
    pub fn client(&self) -> &async_nats::Client {
        &self.0.connection.client
    }

    /// Sends what is on its way, and closes the connection. To be called after the apps on this store were shut down.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the connection is closed already.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.audit.flush().await;
        let drained = self.0.connection.client.drain().await;
        drained.map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn log(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        self.0.log(name)
    }

    pub(crate) fn parts(&self) -> (&Connection, &Setup) {
        (&self.0.connection, &self.0.setup)
    }
}

impl Inner {
    fn log(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.get(name)
            .cloned()
            .ok_or_else(|| StoreError::UnknownLog { log: name.clone() })
    }

    /// The log, if what is known of it is true.
    async fn verified(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        let log = self.log(name)?;
        log.verified().await?;
        Ok(log)
    }

    fn all(&self) -> Vec<Arc<Log>> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.values().cloned().collect()
    }
}

/// A server that comes back may come back with other data.
async fn verify_on_reconnect(
    mut events: broadcast::Receiver<ConnectionEvent>,
    store: std::sync::Weak<Inner>,
) {
    loop {
        match events.recv().await {
            Ok(ConnectionEvent::Connected) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Ok(_) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        }
        let Some(store) = store.upgrade() else {
            return;
        };
        for log in store.all() {
            if let Err(error) = log.verified().await {
                limited!(ERROR, "a log is not what it was before the connection was lost", log = %log.name, %error);
            }
        }
    }
}

#[async_trait]
impl Store for NatsStore {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        for spec in logs {
            let opened = self.0.setup.open(&self.0.connection, spec).await?;
            let mut known = self.0.logs.write().unwrap_or_else(PoisonError::into_inner);
            // What is known of a log stays, unless it is another one by now.
            match known.get(&spec.name) {
                Some(log) if log.created == opened.created => {}
                Some(log) if log.check().is_ok() => return Err(log.recreated()),
                _ => drop(known.insert(spec.name.clone(), Arc::new(opened))),
            }
        }
        Ok(())
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let log = self.0.verified(append.log()).await?;
        log.append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        // What is loaded from the start rests on nothing.
        let log = match load.after {
            Position::START => self.log(&load.log)?,
            _ => self.0.verified(&load.log).await?,
        };
        log.load(&load).await
    }

    fn max_snapshot(&self) -> usize {
        snapshot::MAX
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        let log = self.0.verified(log).await?;
        let last = log.last(subject.as_str(), Source::Leader).await?;
        Ok(Position::new(last.map_or(0, |last| last.sequence)))
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let log = self.0.verified(log).await?;
        log.committed(command, subjects).await
    }

    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        let Ok(log) = self.log(log) else {
            return false;
        };
        log.command_ids.may_have(subject, until.get(), command) == Some(false)
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.log(log)?.last_position().await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
        match self.log(&read.log) {
            Ok(log) => crate::log::read::events::read(log, read),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        match &self.0.views {
            Views::Memory => None,
            Views::Kv(options) => Some(Arc::new(KvHost {
                store: self.clone(),
                options: options.clone(),
            })),
        }
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        Some(Arc::new(NatsInboxes(self.clone())))
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        Some(if self.0.setup.audit_max_age.is_zero() {
            Arc::new(MemoryAudit::new(Duration::ZERO, 0))
        } else {
            Arc::new(self.0.audit.clone())
        })
    }
}
