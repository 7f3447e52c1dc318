//! Atomic batches: their limits, and what becomes of half of one.

use std::time::Duration;

use eventmodel::Store;
use eventmodel::store::AppendError;
use eventmodel_nats_harness::{
    Cluster, Direction, Proxy, Server, When, shared_cluster, shared_server,
};
use tokio::time::timeout;

use super::bench::{BOUND, Bench, is_conflict, positions};
use crate::{builder, store};

#[tokio::test]
async fn a_thousand_messages_are_one_batch_and_one_more_is_refused_before_anything_is_sent() {
    let bench = Bench::open(store().await).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let events = vec![(&a, 20); 1_000];
    let most = bench.sized("most", &[(&a, 0)], &events);
    let stored = bench.store.append(most).await.unwrap();
    assert_eq!(positions(&stored), (1..=1_000).collect::<Vec<u64>>());
    // The guard is the message that is too many.
    let more = bench.sized("more", &[(&a, 1_000), (&b, 0)], &events);
    let error = bench.store.append(more).await.unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::TooMany {
                records: 1_001,
                max: 1_000
            }
        ),
        "{error}"
    );
    assert_eq!(bench.messages().await, 1_000);
    assert_eq!(bench.load(&a, 0, 1_000).await.unwrap().items.len(), 1_000);
}

/// What is added to a message for a batch counts too.
#[tokio::test]
async fn what_is_just_too_large_for_a_batch_is_refused_before_anything_is_sent() {
    let server = Server::builder()
        .config("max_payload: 4KB")
        .start()
        .await
        .unwrap();
    let bench = Bench::open(builder().connect(server.url()).await.unwrap()).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let mut refused = 0;
    for size in (2_500..4_200).step_by(10) {
        let id = format!("c-{size}");
        let expected = bench.store.revision(&bench.log, &a).await.unwrap().get();
        let before = bench.messages().await;
        let append = bench.sized(&id, &[(&a, expected), (&b, 0)], &[(&a, size)]);
        match bench.store.append(append).await {
            Ok(_) => assert_eq!(refused, 0, "{size} bytes, after fewer were refused"),
            Err(AppendError::TooLarge { max, .. }) => {
                assert_eq!(max, 4 * 1024);
                assert_eq!(bench.messages().await, before);
                refused += 1;
            }
            Err(error) => panic!("{size} bytes: {error}"),
        }
    }
    assert!(refused > 0);
}

/// The message limit of a JetStream stream counts what stands in the message, in a batch or not.
#[tokio::test]
async fn what_is_too_large_for_the_stream_is_refused_as_such() {
    let bench = Bench::open(store().await).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let mut config = bench.stream().await.get_info().await.unwrap().config;
    config.max_message_size = 2_000;
    let context = eventmodel_nats::async_nats::jetstream::new(bench.store.client().clone());
    context.update_stream(config).await.unwrap();
    // One that was opened before the limit was set hears it from the server, one that is opened now knows it.
    let known = bench.through(store().await).await;
    for bench in [&bench, &known] {
        for guards in [vec![(&a, 0)], vec![(&a, 0), (&b, 0)]] {
            let append = bench.sized("large", &guards, &[(&a, 3_000)]);
            match bench.store.append(append).await {
                Err(AppendError::TooLarge { size, max, .. }) => assert!(size > max, "{size} {max}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn half_a_batch_stores_nothing_and_can_be_made_again() {
    for servers in [
        shared_server().await.unwrap(),
        shared_cluster().await.unwrap(),
    ] {
        let replicas = servers.split(',').count();
        let proxy = Proxy::start(servers.split(',').next().unwrap())
            .await
            .unwrap();
        let connect = || builder().replicas(replicas).timeout(Duration::from_secs(2));
        let bench = Bench::open(connect().connect(proxy.url()).await.unwrap()).await;
        let direct = bench
            .through(connect().connect(&servers).await.unwrap())
            .await;
        let items: Vec<_> = (0..20).map(|n| bench.item(n)).collect();
        let written: Vec<_> = items.iter().map(|item| (item, 0)).collect();
        for place in [
            "Nats-Batch-Sequence: 1\r",
            "Nats-Batch-Sequence: 11\r",
            "Nats-Batch-Commit: 1",
        ] {
            let id = format!("c-{}", place.len());
            let last = bench.item(format!("last{}", place.len()));
            let written = [&written[..], &[(&last, 0)]].concat();
            let fault = proxy.cut_at(Direction::ToServer, When::seen(place));
            let append = bench.append(&id, &written);
            let result = timeout(BOUND, bench.store.append(append.clone()))
                .await
                .unwrap();
            timeout(BOUND, fault.happened()).await.unwrap();
            // The client sends what it had queued after it is connected again: without the beginning it is refused.
            let error = result.expect_err("half a batch is not stored");
            assert!(error.is_retryable(), "{place}: {error:?}");
            assert_eq!(direct.messages().await, 0, "{place}");
        }
        let append = bench.append("whole", &written);
        let stored = timeout(BOUND, async {
            loop {
                match bench.store.append(append.clone()).await {
                    Ok(stored) => return stored,
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            }
        });
        assert_eq!(positions(&stored.await.unwrap()).len(), 20);
        assert_eq!(direct.events().await.len(), 20);
    }
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_found() {
    for servers in [
        shared_server().await.unwrap(),
        shared_cluster().await.unwrap(),
    ] {
        let replicas = servers.split(',').count();
        let proxy = Proxy::start(servers.split(',').next().unwrap())
            .await
            .unwrap();
        let connect = builder().replicas(replicas).timeout(Duration::from_secs(2));
        let bench = Bench::open(connect.connect(proxy.url()).await.unwrap()).await;
        let (a, b) = (bench.item("a"), bench.item("b"));
        for (n, append) in [
            bench.append("several", &[(&a, 0), (&b, 0)]),
            bench.append("one", &[(&a, 1)]),
        ]
        .into_iter()
        .enumerate()
        {
            let fault = proxy.cut_at(Direction::ToClient, When::seen("\"seq\":"));
            let result = timeout(BOUND, bench.store.append(append.clone()))
                .await
                .unwrap();
            timeout(BOUND, fault.happened()).await.unwrap();
            assert!(
                matches!(result, Err(AppendError::Unknown { .. })),
                "{n}: {result:?}"
            );
            let again = timeout(BOUND, bench.store.append(append))
                .await
                .unwrap()
                .unwrap();
            assert!(again.already_committed);
        }
        assert_eq!(bench.events().await.len(), 3);
    }
}

/// A new leader does not know the batches that the old one had begun.
#[tokio::test]
async fn a_change_of_the_leader_during_batches_loses_none_and_refuses_none_for_good() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3).connect(cluster.url()).await.unwrap();
    let bench = Bench::open(store).await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let writer = async |who: usize| {
        let mut sent = 0;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let items: Vec<_> = (0..50)
                .map(|n| bench.item(format!("{who}-{sent}-{n}")))
                .collect();
            let written: Vec<_> = items.iter().map(|item| (item, 0)).collect();
            let append = bench.append(&format!("w{who}-{sent}"), &written);
            loop {
                match bench.store.append(append.clone()).await {
                    Ok(_) => break,
                    Err(error) => {
                        let passing = error.is_retryable() || is_conflict(&Err(error.clone()));
                        assert!(passing, "{error:?}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
            sent += 1;
        }
        sent
    };
    let changes = async {
        for _ in 0..6 {
            cluster.step_down(&bench.log).await.unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (a, b, c, d, ()) = tokio::join!(writer(0), writer(1), writer(2), writer(3), changes);
    assert_eq!(bench.events().await.len(), (a + b + c + d) * 50);
}
