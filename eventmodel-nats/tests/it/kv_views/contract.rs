//! What every place for views must do.

use crate::builder;
use eventmodel_nats::{KvViews, NatsStore};
use eventmodel_nats_harness::{shared_cluster, shared_server};
use eventmodel_testing::hosts_contract;

async fn store() -> NatsStore {
    let store = builder().views(KvViews::new());
    store.connect(shared_server().await.unwrap()).await.unwrap()
}

async fn replicated_store() -> NatsStore {
    let store = builder().views(KvViews::new()).replicas(3);
    store
        .connect(shared_cluster().await.unwrap())
        .await
        .unwrap()
}

hosts_contract!(on_one_server, store);
hosts_contract!(on_three_servers, replicated_store);
