//! A replica that lags may answer a direct get.

use std::time::Duration;

use eventmodel::Store;
use eventmodel::StoreError;
use eventmodel::store::Load;
use eventmodel_nats_harness::{Cluster, shared_cluster};
use tokio::time::timeout;

use super::bench::{BOUND, Bench, events_of, ids};
use crate::builder;

const READS: u64 = 2_000;

#[tokio::test]
async fn a_load_with_the_position_of_ones_own_write_sees_it_on_three_replicas() {
    let servers = shared_cluster().await.unwrap();
    let nodes: Vec<_> = servers.split(',').collect();
    let connect = |node: &str| builder().replicas(3).connect(node.to_owned());
    let writer = Bench::open(connect(nodes[0]).await.unwrap()).await;
    let reader = writer.through(connect(nodes[1]).await.unwrap()).await;
    let mut expected = [0; 8];
    for n in 0..READS {
        let place = usize::try_from(n % 8).unwrap();
        let item = writer.item(place);
        let position = writer.put(&format!("c-{n}"), &item, expected[place]).await;
        let loaded = reader.load(&item, expected[place], position).await.unwrap();
        assert_eq!(loaded.revision.get(), position, "after {n}");
        assert_eq!(loaded.items.len(), 1, "after {n}");
        assert_eq!(
            reader
                .store
                .revision(&reader.log, &item)
                .await
                .unwrap()
                .get(),
            position
        );
        expected[place] = position;
    }
}

/// What it does not know it must not deny.
#[tokio::test]
async fn a_load_after_a_position_is_never_answered_by_a_replica_that_does_not_have_it() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3).connect(cluster.url()).await.unwrap();
    let bench = Bench::open(store).await;
    let item = bench.item("a");
    let mut last = bench.put("first", &item, 0).await;
    for n in 0..300 {
        let position = bench.put(&format!("c-{n}"), &item, last).await;
        let loaded = bench.load(&item, position, 0).await.unwrap();
        assert!(
            loaded.revision.get() >= position,
            "{:?} after {position}",
            loaded.revision
        );
        last = position;
    }
}

#[tokio::test]
async fn a_floor_that_is_not_there_is_an_error_and_no_shorter_history() {
    let servers = shared_cluster().await.unwrap();
    let store = builder().replicas(3).connect(servers).await.unwrap();
    let bench = Bench::open(store).await;
    let item = bench.item("a");
    let last = bench.put("first", &item, 0).await;
    let error = bench.load(&item, 0, last + 5).await.unwrap_err();
    assert!(matches!(error, StoreError::Drift { .. }), "{error:?}");
}

/// It answers with what it knew, until it hears that there is another leader.
#[tokio::test]
async fn a_leader_that_was_paused_does_not_shorten_a_history_with_a_floor() {
    let cluster = Cluster::start().await.unwrap();
    let connect = async |urls: String| {
        let builder = builder().replicas(3).timeout(Duration::from_secs(2));
        builder.connect(urls).await.unwrap()
    };
    let bench = Bench::open(connect(cluster.url()).await).await;
    let item = bench.item("a");
    bench.put("first", &item, 0).await;
    let old = cluster.leader_of(&bench.log).await.unwrap();
    let beside = cluster.node((old + 1) % 3).url();
    let writer = bench.through(connect(beside).await).await;
    let reader = bench.through(connect(cluster.node(old).url()).await).await;
    cluster.node(old).pause().unwrap();
    cluster.leader_of(&bench.log).await.unwrap();
    let second = writer.append("second", &[(&item, 1)]);
    let position = timeout(BOUND, async {
        loop {
            match writer.store.append(second.clone()).await {
                Ok(stored) => return stored.events[0].position(),
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    let position = position.await.unwrap();
    let load = Load::new(reader.log.clone(), item).floor(position);
    // Asked while it sleeps, so that it answers as soon as it wakes.
    let asked = tokio::spawn({
        let store = reader.store.clone();
        async move { store.load(load).await }
    });
    tokio::task::yield_now().await;
    cluster.node(old).resume().unwrap();
    match timeout(BOUND, asked).await.unwrap().unwrap() {
        Ok(loaded) => assert_eq!(ids(&events_of(loaded)), ["first/0", "second/0"]),
        // Not known yet is said as such; it is no other log.
        Err(error) => assert!(error.is_retryable(), "{error:?}"),
    }
}

/// Its first answers may be what it knew: a decision that appends an event is guarded, one that appends none may be late
/// by that. How long, `docs/jetstream.md` says.
#[tokio::test]
async fn a_leader_that_was_paused_soon_knows_what_was_written_meanwhile_and_does_not_forget_it() {
    const FRESH: usize = 500;
    let cluster = Cluster::start().await.unwrap();
    let connect = async |urls: String| {
        let builder = builder().replicas(3).timeout(Duration::from_secs(2));
        builder.connect(urls).await.unwrap()
    };
    let bench = Bench::open(connect(cluster.url()).await).await;
    let item = bench.item("a");
    let first = bench.put("first", &item, 0).await;
    let old = cluster.leader_of(&bench.log).await.unwrap();
    let beside = cluster.node((old + 1) % 3).url();
    let writer = bench.through(connect(beside).await).await;
    let reader = bench.through(connect(cluster.node(old).url()).await).await;
    cluster.node(old).pause().unwrap();
    cluster.leader_of(&bench.log).await.unwrap();
    let second = writer.append("second", &[(&item, first)]);
    let position = timeout(BOUND, async {
        loop {
            match writer.store.append(second.clone()).await {
                Ok(stored) => return stored.events[0].position(),
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    let position = position.await.unwrap();
    // Asked while it sleeps, as soon as it wakes, and again and again.
    let asking = tokio::spawn(async move {
        let mut fresh = 0;
        while fresh < FRESH {
            match reader.store.revision(&reader.log, &item).await {
                Ok(revision) if revision == position => fresh += 1,
                Ok(revision) => assert_eq!((revision.get(), fresh), (first, 0)),
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    tokio::task::yield_now().await;
    cluster.node(old).resume().unwrap();
    timeout(BOUND, asking).await.unwrap().unwrap();
}
