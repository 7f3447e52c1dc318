//! What an automation has still to do: the events of a log, from where it stopped.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::Mutex;

use crate::store::{Read, Store, StoreError};
use crate::{Position, RecordedEvent};

/// Which events an automation is to see.
#[derive(Clone, Debug)]
pub struct InboxSpec {
    /// The event model.
    pub model: Arc<str>,
    /// The automation.
    pub automation: &'static str,
    /// The log.
    pub log: Arc<str>,
}

/// Opens the inboxes of automations.
#[async_trait]
pub trait InboxHost: Send + Sync + 'static {
    /// The inbox of an automation on one log.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be opened.
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError>;
}

/// The events that an automation has still to handle. At least once: an event that is not [`done`](Inbox::done)
/// comes again after a restart.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The next event, in the order of the log. Waits for one.
    ///
    /// Dropping the future loses no event.
    ///
    /// # Errors
    /// [`StoreError`]. It may be called again.
    async fn next(&self) -> Result<RecordedEvent, StoreError>;

    /// The event was handled, or parked. Events are done in any order.
    ///
    /// # Errors
    /// [`StoreError`]; the event may come again.
    async fn done(&self, event: &RecordedEvent) -> Result<(), StoreError>;
}

/// Inboxes in memory: an automation sees the whole log after a restart. That is safe, because its commands have
/// ids that follow from the events; a long log wants a durable host.
#[derive(Debug)]
pub(crate) struct MemoryInboxes;

#[async_trait]
impl InboxHost for MemoryInboxes {
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        Ok(Box::new(MemoryInbox {
            store: store.clone(),
            log: spec.log.clone(),
            reader: Mutex::new(Reader {
                last: Position::START,
                events: None,
            }),
        }))
    }
}

struct MemoryInbox {
    store: Arc<dyn Store>,
    log: Arc<str>,
    reader: Mutex<Reader>,
}

struct Reader {
    last: Position,
    events: Option<BoxStream<'static, Result<RecordedEvent, StoreError>>>,
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn next(&self) -> Result<RecordedEvent, StoreError> {
        let mut reader = self.reader.lock().await;
        let after = reader.last;
        let events = reader.events.get_or_insert_with(|| {
            let (log, subjects) = (self.log.clone(), Vec::new());
            self.store.read(Read {
                log,
                after,
                subjects,
                follow: true,
            })
        });
        match events.next().await {
            Some(Ok(event)) => {
                reader.last = event.position();
                Ok(event)
            }
            Some(Err(error)) => {
                reader.events = None;
                Err(error)
            }
            None => {
                reader.events = None;
                Err(StoreError::Unavailable {
                    reason: "the log ended while it was followed".into(),
                })
            }
        }
    }

    async fn done(&self, _: &RecordedEvent) -> Result<(), StoreError> {
        Ok(())
    }
}
