//! The hotel on a cluster of three under load, while the cluster is broken: nothing that was acknowledged is lost,
//! nothing is stored twice, every answer is one that the log explains, no room is given to two guests, and every view
//! has seen every event once.
//!
//! A round is a cluster of its own and every fault once, in an order of its own. `CAMPAIGN_ROUNDS` says how many
//! (`cargo xtask campaign`), `SEED` the first. Views in buckets, and automations that processes share, have rounds of
//! their own in the tests of the store.
//!
//! Killing a server does not lose what it has written, as a loss of power might: its pages are in the hands of the
//! operating system. So this holds with the servers' default, which is to sync every two minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use eventmodel::Store;
use eventmodel_nats_harness::{Broken, Cluster, Disaster};
use hotel_booking::hotel_booking;
use support::variable;
use support::world::World;

use crate::hotel::load::play_while;
use crate::hotel_on_nats::builder;

/// Each has connections, caches, views and automations of its own.
const PROCESSES: usize = 3;
const CLIENTS: usize = 8;

/// For each of its clients: more would only make the check longer.
const COMMANDS: usize = 800;

/// Between two faults.
const REST: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hotel_on_three_servers_keeps_its_books_whatever_happens_to_them() {
    let first = variable("SEED").unwrap_or(1);
    for seed in first..first + variable("CAMPAIGN_ROUNDS").unwrap_or(1) {
        eprintln!("round SEED={seed}");
        round(seed).await;
    }
}

async fn round(seed: u64) {
    let cluster = Cluster::start().await.unwrap();
    let clients = Broken::with_clients(cluster, "hotel", PROCESSES);
    let (broken, urls) = clients.await.unwrap();
    let mut stores = Vec::new();
    for urls in urls {
        let store = builder().replicas(3).timeout(Duration::from_secs(2));
        stores.push(Arc::new(store.connect(urls).await.unwrap()) as Arc<dyn Store>);
    }
    let world = World::on(hotel_booking, seed, stores).await;
    let (going, sent) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
    );
    let goes_on = {
        let (going, sent) = (going.clone(), sent.clone());
        move |n: usize| {
            sent.fetch_add(1, Ordering::Relaxed);
            going.load(Ordering::Relaxed) && n < COMMANDS
        }
    };
    let breaking = async {
        let mut order = Disaster::ALL;
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        for disaster in order {
            let before = sent.load(Ordering::Relaxed);
            broken.by(disaster).await.unwrap();
            tokio::time::sleep(REST).await;
            let sent = sent.load(Ordering::Relaxed) - before;
            eprintln!("  {disaster:?}: {sent} commands meanwhile");
        }
        broken.cluster.wait_healthy().await.unwrap();
        going.store(false, Ordering::Relaxed);
    };
    tokio::join!(play_while(&world, CLIENTS, goes_on), breaking);
    world.shut_down().await;
}
