//! A process behind a proxy, of which only the inbox matters.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::Store;
use eventmodel::memory;
use eventmodel::store::{Inbox, InboxSpec, Item, Parking};
use eventmodel::{MemoryStore, Position};
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::{Proxy, Server};
use support::bank::bank;
use support::until;
use tokio::time::timeout;

use super::BOUND;
use crate::builder;

pub(super) struct Process {
    pub(super) store: NatsStore,
    pub(super) inbox: Box<dyn Inbox>,
    pub(super) parking: Arc<dyn Parking>,
    pub(super) proxy: Proxy,
}

impl Process {
    pub(super) async fn start(server: &Server) -> Self {
        let proxy = Proxy::start(server.url()).await.unwrap();
        let store = builder()
            .hand_over_after(Duration::from_secs(1))
            .timeout(Duration::from_secs(2))
            .connect(proxy.url());
        let store = store.await.unwrap();
        store.open(&bank().logs()).await.unwrap();
        let spec = InboxSpec::new("bank", "Fatal", "bank");
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let inbox = memory::inboxes_of(&store)
            .open(&spec, &memory)
            .await
            .unwrap();
        Self {
            store,
            parking: inbox.parking(),
            inbox,
            proxy,
        }
    }

    pub(super) async fn next(&self) -> Item {
        let next = async {
            loop {
                match self.inbox.next().await {
                    Err(error) => assert!(error.is_retryable(), "{error}"),
                    Ok(item) => return item,
                }
            }
        };
        timeout(BOUND, next).await.expect("an event comes")
    }

    pub(super) async fn is_done(&self, position: Position) {
        until(
            "it is done",
            async || matches!(self.inbox.handled().await, Ok(done) if done >= position),
        )
        .await;
        assert_eq!(self.parking.list(), []);
    }

    pub(super) fn kill(self) {
        self.proxy.refuse();
        self.proxy.cut();
    }
}
