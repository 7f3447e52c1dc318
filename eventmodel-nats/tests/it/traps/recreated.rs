//! A JetStream stream that was deleted, and created again under its name: its sequences start again.

use std::time::Duration;

use eventmodel::StoreError;
use eventmodel::store::{AppendError, Store};
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::{Cluster, Server, shared_server};
use futures_util::StreamExt;
use support::bank::{bank, deposit};
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::{builder, store};

async fn recreate(bench: &Bench) {
    let context = jetstream::new(bench.store.client().clone());
    let config = bench.stream().await.get_info().await.unwrap().config;
    context.delete_stream(&*bench.log).await.unwrap();
    context.create_stream(config).await.unwrap();
}

fn is_drift(error: &StoreError) -> bool {
    let text = error.to_string();
    matches!(error, StoreError::Drift { .. }) && text.contains("restart") && !error.is_retryable()
}

#[tokio::test]
async fn an_open_reader_refuses_another_log_of_its_name() {
    let bench = Bench::open(store().await).await;
    let other = bench.through(store().await).await;
    let item = bench.item("a");
    bench.put("first", &item, 0).await;
    let mut read = bench.store.read(bench.read(true));
    timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap();
    recreate(&other).await;
    let error = timeout(BOUND, read.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(is_drift(&error), "{error:?}");
    // From then on nothing is done with it.
    let again = bench
        .store
        .append(bench.append("second", &[(&item, 0)]))
        .await;
    assert!(
        matches!(&again, Err(AppendError::Store(error)) if is_drift(error)),
        "{again:?}"
    );
    let error = bench.load(&item, 0, 0).await.unwrap_err();
    assert!(is_drift(&error), "{error:?}");
    let error = bench
        .store
        .read(bench.read(false))
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert!(is_drift(&error), "{error:?}");
}

/// Nothing tells it that the first one is gone: what it has read is not there any more, and positions are.
#[tokio::test]
async fn a_reader_in_pages_refuses_another_log_that_is_longer() {
    let servers = shared_server().await.unwrap();
    // It does not look by itself whether the log is the same.
    let pages = crate::builder().without_consumers().timeout(2 * BOUND);
    let bench = Bench::open(pages.connect(servers).await.unwrap()).await;
    let item = bench.item("a");
    let last = bench.put("first", &item, 0).await;
    bench.put("second", &item, last).await;
    let mut read = bench.store.read(bench.read(true));
    for _ in 0..2 {
        timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap();
    }
    let other = bench.through(store().await).await;
    recreate(&other).await;
    let other = bench.through(store().await).await;
    let mut last = 0;
    for n in 0..4 {
        last = other.put(&format!("other-{n}"), &item, last).await;
    }
    let next = timeout(BOUND, read.next()).await.unwrap().unwrap();
    let error = next.unwrap_err();
    assert!(is_drift(&error), "{error:?}");
}

#[tokio::test]
async fn a_load_that_knows_a_position_refuses_a_log_without_it() {
    let bench = Bench::open(store().await).await;
    let item = bench.item("a");
    let last = bench.put("first", &item, 0).await;
    recreate(&bench).await;
    let error = bench.load(&item, last, last).await.unwrap_err();
    assert!(is_drift(&error), "{error:?}");
}

/// Without a reader and without a reconnect nothing else would tell.
#[tokio::test]
async fn what_was_written_to_another_log_of_the_name_is_not_acknowledged() {
    let bench = Bench::open(store().await).await;
    let mut last = 0;
    let item = bench.item("a");
    for n in 0..10 {
        last = bench.put(&format!("c-{n}"), &item, last).await;
    }
    recreate(&bench).await;
    let (a, b) = (bench.item("new"), bench.item("newer"));
    // It is stored, in a log that this process does not know.
    match bench.store.append(bench.append("new", &[(&a, 0)])).await {
        Err(AppendError::Unknown { reason }) => assert!(reason.contains("restart"), "{reason}"),
        other => panic!("{other:?}"),
    }
    let refused = bench.store.append(bench.append("newer", &[(&b, 0)])).await;
    assert!(
        matches!(&refused, Err(AppendError::Store(error)) if is_drift(error)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_app_with_cached_states_refuses_another_log_of_its_name() {
    let server = Server::start().await.unwrap();
    let store = builder().connect(server.url()).await.unwrap();
    let app = bank().start(store.clone()).await.unwrap();
    for _ in 0..3 {
        let _ = app.execute(deposit("a", 5)).await.unwrap();
    }
    let context = jetstream::new(store.client().clone());
    let config = context
        .get_stream("bank")
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap()
        .config;
    context.delete_stream("bank").await.unwrap();
    context.create_stream(config).await.unwrap();
    let result = timeout(BOUND, app.execute(deposit("a", 5))).await.unwrap();
    let error = result.expect_err("the cached state is of another log");
    assert!(error.to_string().contains("restart"), "{error}");
    // A new process starts with what is there.
    let app = bank()
        .start(builder().connect(server.url()).await.unwrap())
        .await
        .unwrap();
    let receipt = app.execute(deposit("a", 5)).await.unwrap();
    assert_eq!(receipt.position.get(), 1);
}

#[tokio::test]
async fn a_store_that_knows_the_old_log_does_not_open_the_new_one() {
    let bench = Bench::open(store().await).await;
    recreate(&bench).await;
    let error = bench.reopen().await.unwrap_err();
    assert!(is_drift(&error), "{error:?}");
}

/// While servers come back they may not know yet what they have.
#[tokio::test]
async fn a_cluster_that_comes_back_is_not_taken_for_another_log() {
    let cluster = Cluster::start().await.unwrap();
    let builder = builder().replicas(3).timeout(Duration::from_secs(2));
    let bench = Bench::open(builder.connect(cluster.url()).await.unwrap()).await;
    let item = bench.item("a");
    bench.put("first", &item, 0).await;
    let mut read = bench.store.read(bench.read(true));
    timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap();
    for round in 0..3 {
        for node in cluster.nodes() {
            node.kill();
        }
        for node in cluster.nodes() {
            node.launch().unwrap();
        }
        timeout(BOUND, async {
            loop {
                match bench.store.revision(&bench.log, &item).await {
                    Ok(revision) => return assert_eq!(revision.get(), 1),
                    Err(error) => assert!(error.is_retryable(), "round {round}: {error:?}"),
                }
            }
        })
        .await
        .unwrap();
        // It reads on, or says that it could not for a while.
        if let Ok(Some(Err(error))) = timeout(Duration::from_millis(10), read.next()).await {
            assert!(error.is_retryable(), "round {round}: {error:?}");
            read = bench.store.read(bench.read(true));
            timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap();
        }
    }
}
