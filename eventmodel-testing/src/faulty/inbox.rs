//! Inboxes that deliver some events twice, as any delivery at least once does.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventmodel::store::{Inbox, InboxHost, InboxSpec, Parking, Store, StoreError, Trouble};
use eventmodel::{DecodeError, Position, RecordedEvent};

use super::shared::{Shared, unavailable};

/// After how many other events an event comes again, at most.
const LATEST: u64 = 4;

pub(super) struct FaultyInboxes {
    pub(super) inboxes: Arc<dyn InboxHost>,
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl InboxHost for FaultyInboxes {
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        Ok(Box::new(FaultyInbox {
            inbox: self.inboxes.open(spec, store).await?,
            shared: self.shared.clone(),
            again: Mutex::default(),
        }))
    }
}

struct FaultyInbox {
    inbox: Box<dyn Inbox>,
    shared: Arc<Shared>,
    again: Mutex<Vec<Again>>,
}

/// An event that is to come again.
struct Again {
    event: RecordedEvent,
    events: u64,
}

impl FaultyInbox {
    fn again(&self, event: &RecordedEvent) {
        let events = self.shared.below(LATEST + 1);
        let event = event.clone();
        self.queue().push(Again { event, events });
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Again>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> Option<RecordedEvent> {
        let mut queue = self.queue();
        let due = queue.iter().position(|again| again.events == 0)?;
        Some(queue.remove(due).event)
    }
}

#[async_trait]
impl Inbox for FaultyInbox {
    async fn next(&self) -> Result<RecordedEvent, StoreError> {
        if let Some(event) = self.due() {
            self.shared.count(|injected| &mut injected.duplicates);
            return Ok(event);
        }
        let event = self.inbox.next().await?;
        // From here on nothing waits: an event that was taken is not lost when this future is dropped.
        for again in self.queue().iter_mut() {
            again.events = again.events.saturating_sub(1);
        }
        if self.shared.chance(|faults| faults.duplicates) {
            self.again(&event);
        }
        Ok(event)
    }

    async fn done(&self, event: &RecordedEvent) -> Result<(), StoreError> {
        let lost = self.shared.happens(
            |faults| faults.unavailable,
            |injected| &mut injected.unavailable,
        );
        if lost {
            self.again(event);
            return Err(unavailable());
        }
        self.inbox.done(event).await
    }

    async fn set_aside(&self, unreadable: &DecodeError) -> Result<(), StoreError> {
        self.inbox.set_aside(unreadable).await
    }

    async fn handled(&self) -> Result<Option<Position>, StoreError> {
        self.inbox.handled().await
    }

    fn trouble(&self) -> Option<Trouble> {
        self.inbox.trouble()
    }

    fn parking(&self) -> Option<Arc<dyn Parking>> {
        self.inbox.parking()
    }

    async fn close(&self) {
        self.inbox.close().await;
    }
}
