//! Inboxes that deliver some items twice, as any delivery at least once does.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventmodel::store::{Inbox, InboxHost, InboxSpec, Item, Parking, Trouble};
use eventmodel::{Position, Store, StoreError};
use tokio::sync::Notify;

use super::shared::{Shared, unavailable};

/// After how many other items an item comes again, at most.
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
            lost: Notify::new(),
        }))
    }
}

struct FaultyInbox {
    inbox: Box<dyn Inbox>,
    shared: Arc<Shared>,
    again: Mutex<Vec<Again>>,
    /// An item is to come again, whether another one comes or not.
    lost: Notify,
}

/// An item that is to come again.
struct Again {
    item: Item,
    /// After how many others.
    others: u64,
}

impl FaultyInbox {
    fn again(&self, item: &Item, others: u64) {
        let item = item.clone();
        self.queue().push(Again { item, others });
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Again>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> Option<Item> {
        let mut queue = self.queue();
        let due = queue.iter().position(|again| again.others == 0)?;
        Some(queue.remove(due).item)
    }
}

#[async_trait]
impl Inbox for FaultyInbox {
    async fn next(&self) -> Result<Item, StoreError> {
        let item = loop {
            if let Some(item) = self.due() {
                self.shared.count(|injected| &mut injected.duplicates);
                return Ok(item);
            }
            tokio::select! {
                biased;
                () = self.lost.notified() => {}
                item = self.inbox.next() => break item?,
            }
        };
        // From here on nothing waits: an item that was taken is not lost when this future is dropped.
        for again in self.queue().iter_mut() {
            again.others = again.others.saturating_sub(1);
        }
        if self.shared.chance(|faults| faults.duplicates) {
            self.again(&item, self.shared.below(LATEST + 1));
        }
        Ok(item)
    }

    async fn done(&self, item: &Item) -> Result<(), StoreError> {
        let lost = self.shared.happens(
            |faults| faults.unavailable,
            |injected| &mut injected.unavailable,
        );
        if lost {
            self.again(item, 0);
            self.lost.notify_one();
            return Err(unavailable());
        }
        self.inbox.done(item).await
    }

    async fn handled(&self) -> Result<Position, StoreError> {
        self.inbox.handled().await
    }

    fn trouble(&self) -> Option<Trouble> {
        self.inbox.trouble()
    }

    fn parking(&self) -> Arc<dyn Parking> {
        self.inbox.parking()
    }

    async fn close(&self) {
        self.inbox.close().await;
    }
}
