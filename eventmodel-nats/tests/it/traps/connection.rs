//! What happens to a connection is told; a server that does not do is refused.

use std::time::{Duration, Instant};

use eventmodel::Store;
use eventmodel::StoreError;
use eventmodel::store::AppendError;
use eventmodel_nats::{ConnectError, ConnectionEvent};
use eventmodel_nats_harness::{Cluster, Proxy, Server};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::builder;

async fn until(
    events: &mut BoxStream<'static, ConnectionEvent>,
    wanted: impl Fn(&ConnectionEvent) -> bool,
) {
    let seen = timeout(BOUND, async {
        while let Some(event) = events.next().await {
            if wanted(&event) {
                return;
            }
        }
        panic!("the events ended");
    });
    seen.await.expect("it is told");
}

#[tokio::test]
async fn a_connection_that_is_lost_and_comes_back_is_told() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let store = builder().connect(proxy.url()).await.unwrap();
    let mut events = store.connection_events();
    proxy.refuse();
    proxy.cut();
    until(&mut events, |event| *event == ConnectionEvent::Disconnected).await;
    proxy.admit();
    until(&mut events, |event| *event == ConnectionEvent::Connected).await;
    store.close().await.unwrap();
    until(&mut events, |event| *event == ConnectionEvent::Closed).await;
}

#[tokio::test]
async fn a_server_that_is_about_to_stop_is_told_and_left() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3).connect(cluster.url()).await.unwrap();
    let bench = Bench::open(store).await;
    let mut events = bench.store.connection_events();
    let name = bench.store.client().server_info().server_name;
    let node = cluster
        .nodes()
        .iter()
        .find(|node| node.name() == name)
        .unwrap();
    node.lame_duck().unwrap();
    until(&mut events, |event| *event == ConnectionEvent::LameDuck).await;
    until(&mut events, |event| *event == ConnectionEvent::Connected).await;
    let append = bench.append("one", &[(&bench.item("a"), 0)]);
    let stored = timeout(BOUND, async {
        loop {
            match bench.store.append(append.clone()).await {
                Ok(_) => return,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
    });
    stored.await.unwrap();
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test]
async fn a_subscription_that_falls_behind_is_told() {
    let server = Server::start().await.unwrap();
    let builder = builder()
        .timeout(Duration::from_millis(200))
        .client_options(|options| options.subscription_capacity(4));
    let bench = Bench::open(builder.connect(server.url()).await.unwrap()).await;
    let mut events = bench.store.connection_events();
    let item = bench.item("a");
    let mut last = 0;
    for n in 0..200 {
        last = bench.put(&format!("c-{n}"), &item, last).await;
    }
    // More messages in a page than the client keeps: what is dropped is read again, or it is an error.
    let loaded = timeout(BOUND, bench.load(&item, 0, last)).await.unwrap();
    match loaded {
        Ok(loaded) => assert_eq!(loaded.items.len(), 200),
        Err(error) => assert!(!error.to_string().is_empty(), "{error}"),
    }
    until(&mut events, |event| *event == ConnectionEvent::SlowConsumer).await;
}

/// A server of this version, as far as it is seen by a client that connects.
async fn pretend(version: &'static str, jetstream: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let info = format!(
                "INFO {{\"server_id\":\"x\",\"version\":\"{version}\",\"proto\":1,\"headers\":true,\
                 \"max_payload\":1048576,\"jetstream\":{jetstream}}}\r\n"
            );
            tokio::spawn(async move {
                let _ = client.write_all(info.as_bytes()).await;
                let mut buffer = [0; 4096];
                while let Ok(1..) = client.read(&mut buffer).await {
                    let _ = client.write_all(b"PONG\r\n").await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    for version in ["2.9.10", "2.11.9", "2.12.0"] {
        let error = builder()
            .connect(pretend(version, true).await)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConnectError::TooOld { found, .. } if found == version),
            "{error}"
        );
        assert!(error.to_string().contains("2.12.1"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_jetstream_is_refused() {
    let server = Server::builder()
        .config("accounts { A { users: [ { user: a, password: a } ], jetstream: disabled } }")
        .start()
        .await
        .unwrap();
    let builder = builder()
        .user_and_password("a", "a")
        .timeout(Duration::from_secs(1));
    let refused = match builder.connect(server.url()).await {
        Err(error) => error.to_string(),
        // The server has it, the account does not.
        Ok(store) => {
            let bench = Bench {
                store,
                log: "hotel".into(),
            };
            timeout(BOUND, bench.reopen())
                .await
                .unwrap()
                .unwrap_err()
                .to_string()
        }
    };
    assert!(refused.to_lowercase().contains("jetstream"), "{refused}");
}

#[tokio::test]
async fn no_server_is_an_error_and_no_endless_wait() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("nats://{}", listener.local_addr().unwrap())
    };
    let connecting = builder().connect(&gone);
    let error = timeout(BOUND, connecting).await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    // One that accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", silent.local_addr().unwrap());
    let builder = builder().timeout(Duration::from_millis(300));
    let error = timeout(BOUND, builder.connect(url))
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_its_size() {
    let server = Server::builder()
        .config("max_payload: 4KB")
        .start()
        .await
        .unwrap();
    let bench = Bench::open(builder().connect(server.url()).await.unwrap()).await;
    let item = bench.item("a");
    for size in [4_096, 10_000] {
        let append = bench.sized("large", &[(&item, 0)], &[(&item, size)]);
        match bench.store.append(append).await {
            Err(AppendError::TooLarge {
                size: said, max, ..
            }) => {
                assert!(said >= size);
                assert_eq!(max, 4_096);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bench.put("small", &item, 0).await, 1);
}

#[tokio::test]
async fn a_log_that_is_full_says_so_and_takes_the_same_append_when_there_is_room() {
    const ROOM: &str = "max_file_store: 200KB";
    let server = Server::builder().jetstream(ROOM).start().await.unwrap();
    let bench = Bench::open(builder().connect(server.url()).await.unwrap()).await;
    let item = bench.item("a");
    let mut last = 0;
    let error = loop {
        let append = bench.sized(&format!("c-{last}"), &[(&item, last)], &[(&item, 50_000)]);
        match bench.store.append(append).await {
            Ok(stored) => last = stored.events[0].position().get(),
            Err(error) => break error,
        }
        assert!(last < 10);
    };
    assert!(error.is_retryable(), "{error:?}");
    assert!(
        matches!(error, AppendError::Store(StoreError::Full { .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("resources"), "{error}");
    server
        .reconfigure(|text| text.replace(ROOM, "max_file_store: 200MB"))
        .unwrap();
    server.restart().await.unwrap();
    let append = bench.sized(&format!("c-{last}"), &[(&item, last)], &[(&item, 50_000)]);
    let end = Instant::now() + Duration::from_secs(60);
    while let Err(error) = bench.store.append(append.clone()).await {
        assert!(error.is_retryable() && Instant::now() < end, "{error:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
