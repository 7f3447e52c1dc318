//! What an automation has still to do: the events of a log, from where it stopped.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::error::StoreError;
use super::parking::Parking;
use super::{Read, Store};
use crate::record::{DecodeError, Position, RecordedEvent};

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

/// What keeps an inbox from going on. It tries again by itself, with patience.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What was wrong the last time. If it is not retryable, somebody has to mend it.
    pub error: StoreError,
}

/// The events that an automation has still to handle. At least once: an event that is not [`done`](Inbox::done)
/// comes again, at the latest after a restart.
///
/// Several processes may share an inbox: each gets a part of the events, and an event only when those before it of
/// its stream instance are done, or were given to this process.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The next event. Waits for one. Those of a stream instance come in the order of the log, and so do all of them
    /// the first time, as long as none has to wait for another process.
    ///
    /// Dropping the future loses no event.
    ///
    /// # Errors
    /// [`StoreError`]. It may be called again. An event that cannot be read has its turn as
    /// [`StoreError::Undecodable`]; those after it come all the same.
    async fn next(&self) -> Result<RecordedEvent, StoreError>;

    /// The event was handled, or parked. Events are done in any order.
    ///
    /// # Errors
    /// [`StoreError`]; the event may come again.
    async fn done(&self, event: &RecordedEvent) -> Result<(), StoreError>;

    /// An event that cannot be read was parked.
    ///
    /// # Errors
    /// [`StoreError`]; the event may come again.
    async fn set_aside(&self, unreadable: &DecodeError) -> Result<(), StoreError>;

    /// Up to where every event is done, by whichever process shares the inbox; `None` if none does.
    ///
    /// # Errors
    /// [`StoreError`] if it is not known. It may be called again.
    async fn handled(&self) -> Result<Option<Position>, StoreError> {
        Ok(None)
    }

    /// What keeps it from going on now, as far as [`next`](Self::next) does not say so.
    fn trouble(&self) -> Option<Trouble> {
        None
    }

    /// Where parked events are kept; in this process if it is `None`.
    fn parking(&self) -> Option<Arc<dyn Parking>> {
        None
    }

    /// Gives back what was not done, so that another process gets it now. Nothing is taken after it.
    async fn close(&self) {}
}

/// Inboxes in memory: an automation sees the whole log after a restart. What it has recorded is not recorded twice,
/// because its commands have ids that follow from the events; what was rejected is decided again. A long log wants a
/// durable host.
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
                if let StoreError::Undecodable(unreadable) = &error {
                    reader.last = reader.last.max(unreadable.position);
                }
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

    async fn set_aside(&self, _: &DecodeError) -> Result<(), StoreError> {
        Ok(())
    }
}
