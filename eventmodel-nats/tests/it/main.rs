//! The JetStream store, on real servers, in one binary: it links once.
// The lint knows test functions only, not what they call.
#![allow(clippy::unwrap_used)]

use eventmodel_nats::{NatsStore, NatsStoreBuilder};
use eventmodel_nats_harness::{shared_cluster, shared_server};

mod advice;
mod audit;
mod campaign;
mod connecting;
mod contract;
mod full;
mod inboxes;
mod kv_views;
mod production;
mod service;
mod traps;

/// For a store that also works with the defective servers of `cargo xtask campaign`.
pub(crate) fn builder() -> NatsStoreBuilder {
    NatsStore::builder().accept_defect("8376")
}

/// A store on a server that other tests use too.
pub(crate) async fn store() -> NatsStore {
    let server = shared_server().await.unwrap();
    builder().connect(server).await.unwrap()
}

/// A store on a cluster that other tests use too, with three copies of each log.
pub(crate) async fn replicated_store() -> NatsStore {
    let servers = shared_cluster().await.unwrap();
    let store = builder().replicas(3).connect(servers);
    store.await.unwrap()
}
