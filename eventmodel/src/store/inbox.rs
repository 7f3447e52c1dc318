//! What an automation has still to do: the events of a log, from where it stopped.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::StoreError;
use super::parking::Parking;
use super::{Item, Store};
use crate::record::Position;

/// Which events an automation is to see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InboxSpec {
    /// The event model.
    pub model: Arc<str>,
    /// The automation.
    pub automation: &'static str,
    /// The log.
    pub log: Arc<str>,
}

impl InboxSpec {
    /// What an automation of a model is to see of a log.
    pub fn new(
        model: impl Into<Arc<str>>,
        automation: &'static str,
        log: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            model: model.into(),
            automation,
            log: log.into(),
        }
    }
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
#[non_exhaustive]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What was wrong the last time. If it is not retryable, somebody has to mend it.
    pub error: StoreError,
}

impl Trouble {
    /// Since when, and what is wrong.
    pub fn new(since: Timestamp, error: StoreError) -> Self {
        Self { since, error }
    }
}

/// The events that an automation has still to handle. At least once: an event that is not [`done`](Inbox::done)
/// comes again, at the latest after a restart.
///
/// Several processes may share an inbox: each gets a part of the events, and an event only when those before it of
/// its stream instance are done, or were given to this process. The engine keeps the order of what a process was given.
///
/// A store that only keeps things has [`LogInboxes`](super::LogInboxes) for it.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The next item. Waits for one. Those of a stream instance come in the order of the log, and so do all of them
    /// the first time, as long as none has to wait for another process. What cannot be read has its turn, too.
    ///
    /// Dropping the future loses no item.
    ///
    /// # Errors
    /// [`StoreError`]. It may be called again.
    async fn next(&self) -> Result<Item, StoreError>;

    /// The item was handled, or parked. Items are done in any order.
    ///
    /// # Errors
    /// [`StoreError`]; the item may come again.
    async fn done(&self, item: &Item) -> Result<(), StoreError>;

    /// The position up to which every event is done, by whichever process or app shares the inbox.
    ///
    /// # Errors
    /// [`StoreError`] if it is not known. It may be called again.
    async fn handled(&self) -> Result<Position, StoreError>;

    /// What keeps it from going on now, as far as [`next`](Self::next) does not say so.
    fn trouble(&self) -> Option<Trouble> {
        None
    }

    /// Where parked events are kept.
    fn parking(&self) -> Arc<dyn Parking>;

    /// Gives back what was not done, so that another process gets it now. Nothing is taken after it.
    async fn close(&self);
}
