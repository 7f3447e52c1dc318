//! Pages and consumers: no gap, no duplicate, never a short history.

use std::time::Duration;

use eventmodel::Store;
use eventmodel::store::Item;
use eventmodel_nats::async_nats::jetstream::consumer::pull;
use eventmodel_nats_harness::{Cluster, Direction, Proxy, Server, When};
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::bench::{BOUND, Bench, events_of, ids};
use crate::{builder, store};

/// Longer than what is read by its sequences.
const LONG: u64 = 300;

async fn fill(bench: &Bench, count: u64) -> Vec<String> {
    let item = bench.item("a");
    let mut last = bench.store.revision(&bench.log, &item).await.unwrap().get();
    let from = last;
    for n in from..from + count {
        last = bench.put(&format!("c-{n}"), &item, last).await;
    }
    (0..last).map(|n| format!("c-{n}/0")).collect()
}

#[tokio::test]
async fn a_page_that_is_cut_is_an_error_or_is_read_again_and_never_a_short_history() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let builder = builder().timeout(Duration::from_millis(500));
    let bench = Bench::open(builder.connect(proxy.url()).await.unwrap()).await;
    let written = fill(&bench, LONG).await;
    let item = bench.item("a");
    for at in [100, 3_000, 20_000, 60_000, 90_000, 110_000] {
        let fault = proxy.cut_at(Direction::ToClient, When::Bytes(at));
        let loaded = timeout(BOUND, bench.load(&item, 0, LONG)).await.unwrap();
        match loaded {
            Ok(loaded) => assert_eq!(ids(&events_of(loaded)), written, "cut at {at}"),
            Err(error) => assert!(error.is_retryable(), "cut at {at}: {error:?}"),
        }
        drop(fault);
    }
}

/// A consumer is only quicker: where none can be made, pages do, and at once.
#[tokio::test]
async fn a_long_history_is_loaded_where_no_consumer_can_be_made() {
    let server = Server::builder()
        .config(
            "accounts { A { users: [ { user: a, password: a } ], jetstream: { max_consumers: 1 } } }",
        )
        .start()
        .await
        .unwrap();
    // Who waits for a consumer waits longer than the test.
    let builder = builder().user_and_password("a", "a").timeout(10 * BOUND);
    let bench = Bench::open(builder.connect(server.url()).await.unwrap()).await;
    let written = fill(&bench, 2 * LONG).await;
    let stream = bench.stream().await;
    let lasting = |name: &str| pull::Config {
        durable_name: Some(name.to_owned()),
        ..pull::Config::default()
    };
    stream.create_consumer(lasting("one")).await.unwrap();
    let refused = stream.create_consumer(lasting("two")).await;
    assert!(refused.is_err(), "{refused:?}");
    let item = bench.item("a");
    let load = timeout(BOUND, bench.load(&item, 0, 2 * LONG));
    let loaded = load.await.expect("nothing is waited for").unwrap();
    assert_eq!(ids(&events_of(loaded)), written);
}

#[tokio::test]
async fn large_events_come_in_several_pages() {
    let bench = Bench::open(store().await).await;
    let item = bench.item("a");
    let mut last = 0;
    let mut written = Vec::new();
    for n in 0..90 {
        let id = format!("c-{n}");
        let append = bench.sized(&id, &[(&item, last)], &[(&item, 400_000)]);
        last = bench.store.append(append).await.unwrap().events[0]
            .position()
            .get();
        written.push(format!("{id}/0"));
    }
    // Nothing is known of the sequences if one is missing: all of them by subject.
    let other = bench.through(store().await).await;
    let loaded = other.load(&item, 0, last).await.unwrap();
    let events = events_of(loaded);
    assert_eq!(ids(&events), written);
    assert!(events.iter().all(|event| event.payload().len() == 400_000));
}

#[tokio::test]
async fn an_event_that_is_larger_than_a_page_is_read() {
    let server = Server::builder()
        .config("max_payload: 32MB\nmax_pending: 128MB")
        .start()
        .await
        .unwrap();
    let bench = Bench::open(builder().connect(server.url()).await.unwrap()).await;
    let item = bench.item("a");
    let mut last = 0;
    for n in 0..70 {
        let size = if n % 30 == 1 { 10_000_000 } else { 10 };
        let append = bench.sized(&format!("c-{n}"), &[(&item, last)], &[(&item, size)]);
        last = bench.store.append(append).await.unwrap().events[0]
            .position()
            .get();
    }
    let loaded = bench.load(&item, 0, last).await.unwrap();
    assert_eq!(loaded.items.len(), 70);
    assert_eq!(bench.events().await.len(), 70);
}

#[tokio::test]
async fn an_event_without_a_payload_is_an_event() {
    let bench = Bench::open(store().await).await;
    let item = bench.item("a");
    let mut last = 0;
    for n in 0..80 {
        let mut append = bench.append(&format!("c-{n}"), &[(&item, last)]);
        let (log, command, guards, mut events) = append.into_parts();
        events[0].payload = "".into();
        append = eventmodel::store::Append::new(log, command, guards, events).unwrap();
        last = bench.store.append(append).await.unwrap().events[0]
            .position()
            .get();
    }
    assert_eq!(bench.load(&item, 0, last).await.unwrap().items.len(), 80);
    assert_eq!(bench.events().await.len(), 80);
}

#[tokio::test]
async fn values_that_look_like_patterns_are_values() {
    let bench = Bench::open(store().await).await;
    for (n, value) in ["*", ">", "a.b", "", " ", "%2A", "é", "$JS"]
        .into_iter()
        .enumerate()
    {
        let mut writer = eventmodel::record::SubjectWriter::new();
        writer
            .literal(&format!("{}.item.", bench.log))
            .token(&value.to_owned());
        let subject = writer.finish().unwrap();
        bench.put(&format!("c-{n}"), &subject, 0).await;
        let loaded = bench.load(&subject, 0, 0).await.unwrap();
        assert_eq!(ids(&events_of(loaded)), [format!("c-{n}/0")], "{value:?}");
    }
}

/// Guards that are stored beside events are none.
#[tokio::test]
async fn readers_never_see_a_guard() {
    let bench = Bench::open(store().await).await;
    let (a, b, c) = (bench.item("a"), bench.item("b"), bench.item("c"));
    for n in 0..20 {
        let last = bench.store.revision(&bench.log, &a).await.unwrap().get();
        let append = bench.guarded(&format!("c-{n}"), &[(&a, last)], &[(&b, 0), (&c, 0)]);
        bench.store.append(append).await.unwrap();
        let events = bench.events().await;
        assert_eq!(events.len(), n + 1);
        let end = bench.store.last_position(&bench.log).await.unwrap();
        assert_eq!(end, events.last().unwrap().position());
    }
    assert_eq!(bench.messages().await, 60);
    assert_eq!(bench.follow(20).await.len(), 20);
}

async fn delete_consumers(bench: &Bench) -> usize {
    let stream = bench.stream().await;
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    for name in &names {
        // One that its reader has just replaced may be gone.
        let _ = stream.delete_consumer(name).await;
    }
    names.len()
}

#[tokio::test]
async fn a_reader_whose_consumer_is_deleted_goes_on_where_it_was() {
    let bench = Bench::open(store().await).await;
    let read = bench.store.read(bench.read(true));
    let mut read = read.map(|item| item.and_then(Item::event));
    let mut seen = Vec::new();
    let mut written = Vec::new();
    for round in 1..=5 {
        written = fill(&bench, 100).await;
        // Some of it is on its way when the consumer goes.
        while seen.len() < 100 * round - 10 {
            seen.push(timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap());
        }
        assert!(delete_consumers(&bench).await > 0);
    }
    while seen.len() < 500 {
        seen.push(timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap());
    }
    assert_eq!(ids(&seen), written);
}

#[tokio::test]
async fn a_reader_outlives_restarts_of_the_server() {
    let server = Server::start().await.unwrap();
    let bench = Bench::open(builder().connect(server.url()).await.unwrap()).await;
    let following = tokio::spawn({
        let bench = bench.clone();
        async move { bench.follow(400).await }
    });
    let mut written = Vec::new();
    for round in 0..4 {
        written = fill(&bench, 100).await;
        if round < 3 {
            server.kill();
            server.restart().await.unwrap();
            timeout(BOUND, async {
                while bench.load(&bench.item("a"), 0, 0).await.is_err() {}
            })
            .await
            .unwrap();
        }
    }
    assert_eq!(
        ids(&timeout(BOUND, following).await.unwrap().unwrap()),
        written
    );
}

/// A short trouble is not added to one long ago.
#[tokio::test]
async fn a_reader_of_a_quiet_log_outlives_troubles_that_are_far_apart() {
    let server = Server::start().await.unwrap();
    let builder = builder().timeout(Duration::from_secs(1));
    let bench = Bench::open(builder.connect(server.url()).await.unwrap()).await;
    let mut read = bench.store.read(bench.read(true));
    fill(&bench, 1).await;
    timeout(BOUND, read.next()).await.unwrap().unwrap().unwrap();
    let next = tokio::spawn(async move { read.next().await });
    for _ in 0..3 {
        // It has made itself a new consumer before the next one is taken away.
        support::until("it has a consumer", async || {
            delete_consumers(&bench).await > 0
        })
        .await;
        // Longer than an answer may take: these are troubles of their own.
        let quiet = tokio::time::Instant::now() + Duration::from_millis(2_500);
        tokio::time::sleep_until(quiet).await;
    }
    fill(&bench, 1).await;
    let event = timeout(BOUND, next).await.unwrap().unwrap();
    let event = event.unwrap().and_then(Item::event).unwrap();
    assert_eq!(event.metadata().id.as_str(), "c-1/0");
}

#[tokio::test]
async fn a_reader_outlives_changes_of_the_leader() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3).connect(cluster.url()).await.unwrap();
    let bench = Bench::open(store).await;
    let following = tokio::spawn({
        let bench = bench.clone();
        async move { bench.follow(400).await }
    });
    let mut written = Vec::new();
    for _ in 0..4 {
        written = fill_through_trouble(&bench, 100).await;
        cluster.step_down(&bench.log).await.unwrap();
    }
    assert_eq!(
        ids(&timeout(BOUND, following).await.unwrap().unwrap()),
        written
    );
}

/// As [`fill`], while no leader may be there.
async fn fill_through_trouble(bench: &Bench, count: u64) -> Vec<String> {
    let item = bench.item("a");
    let last = || async { bench.store.revision(&bench.log, &item).await };
    let mut last = timeout(BOUND, async {
        loop {
            if let Ok(last) = last().await {
                return last.get();
            }
        }
    })
    .await
    .unwrap();
    let from = last;
    for n in from..from + count {
        let append = bench.append(&format!("c-{n}"), &[(&item, last)]);
        last = timeout(BOUND, async {
            loop {
                match bench.store.append(append.clone()).await {
                    Ok(stored) => return stored.events[0].position().get(),
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            }
        })
        .await
        .unwrap();
    }
    (0..last).map(|n| format!("c-{n}/0")).collect()
}
