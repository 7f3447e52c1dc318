//! What automations have still to do, from the first event of the log on.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::Mutex;

use crate::record::Position;
use crate::store::{Inbox, InboxHost, InboxSpec, Item, Read, Store, StoreError};

/// Inboxes in memory: an automation sees the whole log after a restart. What it has recorded is not recorded twice,
/// because its commands have ids that follow from the events; what was rejected is decided again. A long log wants a
/// durable host.
#[derive(Debug, Default)]
pub struct MemoryInboxes;

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
                items: None,
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
    items: Option<BoxStream<'static, Result<Item, StoreError>>>,
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn next(&self) -> Result<Item, StoreError> {
        let mut reader = self.reader.lock().await;
        let after = reader.last;
        let items = reader.items.get_or_insert_with(|| {
            self.store
                .read(Read::new(self.log.clone()).after(after).follow(true))
        });
        match items.next().await {
            Some(Ok(item)) => {
                reader.last = item.position();
                Ok(item)
            }
            Some(Err(error)) => {
                reader.items = None;
                Err(error)
            }
            None => {
                reader.items = None;
                Err(StoreError::Unavailable {
                    reason: "the log ended while it was followed".into(),
                })
            }
        }
    }

    async fn done(&self, _: &Item) -> Result<(), StoreError> {
        Ok(())
    }
}
