//! The hotel on JetStream, with the writers of several processes at once: no room is given to two guests, every receipt
//! is in the log, every answer is one that the log explains.
//!
//! `SEED` names another run, `HOTEL_COMMANDS` says how many commands each client sends.

use std::sync::Arc;

use eventmodel::Store;
use eventmodel_nats_harness::{Cluster, Server};
use hotel_booking::hotel_booking;
use support::variable;
use support::world::World;

use crate::hotel::load::play;
use crate::hotel_on_nats::builder;

/// Each has a connection, caches, views and automations of its own.
const PROCESSES: usize = 4;
const CLIENTS: usize = 16;

async fn run(servers: String, replicas: usize) {
    let seed = variable("SEED").unwrap_or(1);
    let mut stores = Vec::new();
    for _ in 0..PROCESSES {
        let store = builder().replicas(replicas).connect(&servers);
        stores.push(Arc::new(store.await.unwrap()) as Arc<dyn Store>);
    }
    let world = World::on(hotel_booking, seed, stores).await;
    play(&world, CLIENTS, variable("HOTEL_COMMANDS").unwrap_or(25)).await;
    world.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_run_one_hotel_on_one_server() {
    let server = Server::start().await.unwrap();
    run(server.url(), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_run_one_hotel_on_three_servers() {
    let cluster = Cluster::start().await.unwrap();
    run(cluster.url(), 3).await;
}
