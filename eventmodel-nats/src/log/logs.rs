//! The logs that a store has opened.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use eventmodel::store::LogSpec;
use eventmodel::{__limited as limited, StoreError};
use tokio::sync::broadcast;

use super::Log;
use crate::connect::connection::{Connection, ConnectionEvent};
use crate::connect::setup::Setup;

/// The logs that a store has opened, and how it opens more.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) connection: Connection,
    pub(crate) setup: Setup,
    opened: RwLock<HashMap<Arc<str>, Arc<Log>>>,
}

impl Logs {
    pub(crate) fn new(connection: Connection, setup: Setup) -> Arc<Self> {
        let events = connection.events.subscribe();
        let logs = Arc::new(Self {
            connection,
            setup,
            opened: RwLock::default(),
        });
        tokio::spawn(verify_on_reconnect(events, Arc::downgrade(&logs)));
        logs
    }

    pub(crate) async fn open(&self, spec: &LogSpec) -> Result<(), StoreError> {
        let log = Log::open(&self.connection, &self.setup, spec).await?;
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // A known log stays, unless another one has replaced it.
        match opened.get(&spec.name) {
            Some(known) if known.created == log.created => {}
            Some(known) if known.check().is_ok() => return Err(known.recreated()),
            _ => drop(opened.insert(spec.name.clone(), Arc::new(log))),
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let log = opened.get(name).cloned();
        log.ok_or_else(|| StoreError::UnknownLog { log: name.clone() })
    }

    /// The log, verified after a lost connection.
    pub(crate) async fn verified(&self, name: &Arc<str>) -> Result<Arc<Log>, StoreError> {
        let log = self.get(name)?;
        log.verified().await?;
        Ok(log)
    }

    fn all(&self) -> Vec<Arc<Log>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.values().cloned().collect()
    }
}

/// After a reconnect, verifies each log: a server may come back with other data.
async fn verify_on_reconnect(mut events: broadcast::Receiver<ConnectionEvent>, logs: Weak<Logs>) {
    loop {
        match events.recv().await {
            Ok(ConnectionEvent::Connected) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Ok(_) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        }
        let Some(logs) = logs.upgrade() else {
            return;
        };
        for log in logs.all() {
            if let Err(error) = log.verified().await {
                limited!(ERROR, "a log changed while the connection was lost", log = %log.name, %error);
            }
        }
    }
}
