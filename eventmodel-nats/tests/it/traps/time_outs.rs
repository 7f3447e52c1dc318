//! Every wait has a bound, and what was not answered in time may still happen.

use std::time::Duration;

use eventmodel::store::{AppendError, Store};
use eventmodel::{AppOptions, ExecuteOptions, StoreError};
use eventmodel_nats::{ConnectionEvent, NatsStore};
use eventmodel_nats_harness::{Cluster, Direction, Proxy, Server, When};
use futures_util::StreamExt;
use futures_util::future::join_all;
use support::bank::{bank, deposit};
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::builder;

const TIMEOUT: Duration = Duration::from_millis(500);

async fn impatient(url: impl AsRef<str>) -> NatsStore {
    builder().timeout(TIMEOUT).connect(url).await.unwrap()
}

/// Pauses a server; the signal takes a moment to arrive.
async fn pause(server: &Server, bench: &Bench) {
    server.pause().unwrap();
    let silent = timeout(BOUND, async {
        while bench.store.last_position(&bench.log).await.is_ok() {}
    });
    silent.await.expect("the server is paused");
}

/// Much more than an operation may take, much less than for ever.
const SLACK: Duration = Duration::from_secs(25);

#[tokio::test]
async fn a_server_that_does_not_answer_holds_nothing_up_for_ever() {
    let server = Server::start().await.unwrap();
    let bench = Bench::open(impatient(server.url()).await).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let mut last = 0;
    for n in 0..70 {
        last = bench.put(&format!("c-{n}"), &a, last).await;
    }
    let read = bench.read(true);
    let mut following = bench.store.read(read);
    for _ in 0..70 {
        timeout(BOUND, following.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
    pause(&server, &bench).await;
    let unavailable = |result: Result<(), StoreError>| {
        assert!(
            matches!(result, Err(StoreError::Unavailable { .. })),
            "{result:?}"
        );
    };
    let one = timeout(
        SLACK,
        bench.store.append(bench.append("one", &[(&a, last)])),
    );
    let several = timeout(
        SLACK,
        bench
            .store
            .append(bench.append("two", &[(&a, last), (&b, 0)])),
    );
    for result in [one.await.unwrap(), several.await.unwrap()] {
        assert!(
            matches!(result, Err(AppendError::Unknown { .. })),
            "{result:?}"
        );
    }
    for floor in [0, last] {
        unavailable(
            timeout(SLACK, bench.load(&a, 0, floor))
                .await
                .unwrap()
                .map(drop),
        );
    }
    unavailable(
        timeout(SLACK, bench.store.revision(&bench.log, &a))
            .await
            .unwrap()
            .map(drop),
    );
    unavailable(
        timeout(SLACK, bench.store.last_position(&bench.log))
            .await
            .unwrap()
            .map(drop),
    );
    unavailable(timeout(SLACK, bench.reopen()).await.unwrap());
    let command = bench.append("one", &[(&a, 0)]).command().clone();
    let committed = timeout(SLACK, bench.store.committed(&bench.log, &command, &[a])).await;
    match committed.unwrap() {
        Err(AppendError::Store(error)) => unavailable(Err(error)),
        other => panic!("{other:?}"),
    }
    let mut reading = bench.store.read(bench.read(false));
    let read = timeout(SLACK, reading.next()).await.unwrap().unwrap();
    unavailable(read.map(drop));
    let followed = timeout(SLACK, following.next()).await.unwrap().unwrap();
    unavailable(followed.map(drop));
}

/// The queue of the client and the buffers of the sockets are full then: the waiting is before the sending.
#[tokio::test]
async fn many_large_appends_to_a_server_that_does_not_answer_end_too() {
    let server = Server::start().await.unwrap();
    let bench = Bench::open(impatient(server.url()).await).await;
    pause(&server, &bench).await;
    let appends = (0..3_000).map(|n| {
        let (a, b) = (bench.item(format!("a{n}")), bench.item(format!("b{n}")));
        let events: &[_] = if n % 2 == 0 {
            &[(&a, 8_000)]
        } else {
            &[(&a, 8_000), (&b, 8_000)]
        };
        let guards: Vec<_> = events.iter().map(|(item, _)| (*item, 0)).collect();
        let append = bench.sized(&format!("c-{n}"), &guards, events);
        let bench = &bench;
        async move { bench.store.append(append).await }
    });
    let results = timeout(SLACK, join_all(appends))
        .await
        .expect("all of them end");
    for result in results {
        let error = result.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
    }
    let load = timeout(SLACK, bench.load(&bench.item("a0"), 0, 0))
        .await
        .expect("it ends");
    assert!(load.is_err());
}

/// What was seen has to be looked at again once the connection was lost; one asks for all, also in vain.
#[tokio::test]
async fn one_wait_in_vain_answers_all_who_waited_for_it() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let bench = Bench::open(impatient(proxy.url()).await).await;
    let item = bench.item("a");
    bench.put("one", &item, 0).await;
    let mut events = bench.store.connection_events();
    proxy.refuse();
    proxy.cut();
    let lost = timeout(BOUND, async {
        while events.next().await != Some(ConnectionEvent::Disconnected) {}
    });
    lost.await.expect("it is told");
    let revisions = (0..100).map(|_| bench.store.revision(&bench.log, &item));
    let results = timeout(SLACK, join_all(revisions))
        .await
        .expect("they do not wait one after another");
    for result in results {
        assert!(
            matches!(result, Err(StoreError::Unavailable { .. })),
            "{result:?}"
        );
    }
    proxy.admit();
    let answered = timeout(BOUND, async {
        loop {
            match bench.store.revision(&bench.log, &item).await {
                Ok(revision) => return revision.get(),
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    assert_eq!(answered.await.unwrap(), 1);
}

#[tokio::test]
async fn an_append_that_arrives_after_its_time_out_is_stored_once_and_found() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let bench = Bench::open(impatient(proxy.url()).await).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let appends = [
        bench.append("one", &[(&a, 0)]),
        bench.append("two", &[(&b, 0), (&a, 1)]),
    ];
    for (n, append) in appends.into_iter().enumerate() {
        proxy.block();
        // Each of these is sent, and arrives, later.
        for _ in 0..3 {
            let result = timeout(BOUND, bench.store.append(append.clone()))
                .await
                .unwrap();
            assert!(
                matches!(result, Err(AppendError::Unknown { .. })),
                "{result:?}"
            );
        }
        proxy.unblock();
        let stored = timeout(BOUND, async {
            loop {
                match bench.store.append(append.clone()).await {
                    Ok(stored) => return stored,
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            }
        });
        let stored = stored.await.unwrap();
        assert!(stored.already_committed, "{n}");
        assert_eq!(bench.events().await.len(), 1 + 2 * n);
    }
}

#[tokio::test]
async fn a_command_whose_publish_arrives_late_is_executed_once() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let options = AppOptions::new().resolve_within(Duration::from_secs(1));
    let app = bank()
        .start_with(impatient(proxy.url()).await, options)
        .await
        .unwrap();
    let _ = app.execute(deposit("a", 1)).await.unwrap();
    let fault = proxy.block_at(Direction::ToServer, When::seen("Nats-Msg-Id: late"));
    let id = || ExecuteOptions::new().try_id("late").unwrap();
    let unknown = timeout(BOUND, app.execute_with(deposit("a", 5), id()))
        .await
        .unwrap();
    timeout(BOUND, fault.happened()).await.unwrap();
    let unknown = unknown.unwrap_err();
    assert!(
        matches!(unknown, eventmodel::ExecuteError::UnknownOutcome { .. }),
        "{unknown:?}"
    );
    proxy.unblock();
    let receipt = timeout(BOUND, async {
        loop {
            match app.execute_with(deposit("a", 5), id()).await {
                Ok(receipt) => return receipt,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    let receipt = receipt.await.unwrap();
    assert_eq!(receipt.position.get(), 2);
    let again = app.execute_with(deposit("a", 5), id()).await.unwrap();
    assert!(again.already_committed);
    assert_eq!(again.position.get(), 2);
}

/// Nobody takes a publish while there is no leader; that is no reason to fail.
#[tokio::test]
async fn commands_go_through_while_the_leader_changes() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3).connect(cluster.url()).await.unwrap();
    let app = bank().start(store).await.unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let running = || !stop.load(std::sync::atomic::Ordering::Relaxed);
    let client = async |who: usize| {
        let mut sent = 0_u64;
        while running() {
            let executed = timeout(BOUND, app.execute(deposit(&format!("a{who}"), 1))).await;
            let _ = executed
                .unwrap()
                .unwrap_or_else(|error| panic!("client {who}: {error:?}"));
            sent += 1;
        }
        sent
    };
    let changes = async {
        for _ in 0..5 {
            cluster.step_down("bank").await.unwrap();
        }
        let leader = cluster.leader_of("bank").await.unwrap();
        cluster.node(leader).kill();
        cluster.leader_of("bank").await.unwrap();
        cluster.node(leader).restart().await.unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (a, b, c, ()) = tokio::join!(client(0), client(1), client(2), changes);
    assert!(a + b + c > 0);
}

/// A node that hangs does not close its connections: the client has to find out.
#[tokio::test]
async fn a_client_of_a_node_that_hangs_goes_to_another_one() {
    let cluster = Cluster::start().await.unwrap();
    let builder = builder().replicas(3).timeout(Duration::from_secs(1));
    let bench = Bench::open(builder.connect(cluster.url()).await.unwrap()).await;
    let item = bench.item("a");
    bench.put("first", &item, 0).await;
    let name = bench.store.client().server_info().server_name;
    let node = cluster
        .nodes()
        .iter()
        .find(|node| node.name() == name)
        .unwrap();
    node.pause().unwrap();
    let append = bench.append("second", &[(&item, 1)]);
    let stored = timeout(Duration::from_secs(30), async {
        loop {
            match bench.store.append(append.clone()).await {
                Ok(_) => return,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    stored.await.expect("it moves to a node that answers");
    node.resume().unwrap();
}
