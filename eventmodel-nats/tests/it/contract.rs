//! What every store must do, on one server and on three.

use eventmodel_testing::store_contract;

use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::{shared_cluster, shared_server};

use super::{replicated_store, store};

store_contract!(on_one_server, store);
store_contract!(on_three_servers, replicated_store);
store_contract!(on_one_server_without_consumers, store_without_consumers);
store_contract!(
    on_three_servers_without_consumers,
    replicated_store_without_consumers
);

async fn store_without_consumers() -> NatsStore {
    let servers = shared_server().await.unwrap();
    let store = crate::builder().without_consumers().connect(servers);
    store.await.unwrap()
}

async fn replicated_store_without_consumers() -> NatsStore {
    let servers = shared_cluster().await.unwrap();
    let store = crate::builder().without_consumers().replicas(3);
    store.connect(servers).await.unwrap()
}
