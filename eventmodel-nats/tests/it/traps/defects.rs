//! A server with a defect that breaks a promise is not given what it breaks, and everything else.

use std::sync::Arc;

use eventmodel::store::{AppendError, Store};
use eventmodel::{EventModel, Slice, StartError, StoreError};
use eventmodel_nats::async_nats::{self, jetstream};
use eventmodel_nats::{ConnectError, NatsStore};
use eventmodel_nats_harness::{Cluster, Server, defective_binary};
use support::bank::{Deposit, Open, Transfer, bank, deposit};
use tempfile::NamedTempFile;
use tokio::time::timeout;

use super::bench::{BOUND, Bench};

/// A server with the defect 8376.
async fn defective() -> Server {
    let binary = defective_binary().unwrap();
    Server::builder().binary(binary).start().await.unwrap()
}

/// A cluster in the middle of an upgrade: node 0 has the defect 8376 yet.
async fn half_upgraded() -> Cluster {
    let builder = Cluster::builder().binary_of_node_0(defective_binary().unwrap());
    builder.start().await.unwrap()
}

async fn led_by_node_0(cluster: &Cluster, log: &str) {
    let moved = timeout(BOUND, async {
        let mut leader = cluster.leader_of(log).await.unwrap();
        while leader != 0 {
            leader = cluster.step_down(log).await.unwrap();
        }
    });
    moved.await.unwrap();
}

fn accounts() -> EventModel {
    EventModel::new("bank").slice(
        Slice::new("Customer opens an account, and deposits")
            .command::<Open>()
            .command::<Deposit>(),
    )
}

fn open(account: &str) -> Open {
    Open {
        account: account.into(),
    }
}

#[tokio::test]
async fn a_model_whose_commands_can_send_several_guards_is_refused_and_told_what_to_do() {
    let server = defective().await;
    let store = NatsStore::connect(server.url()).await.unwrap();
    let error = bank().start(store).await.unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            &error,
            StartError::Store(StoreError::Defect { log, server, defect: "8376", .. })
                if **log == *"bank" && server.contains("2.14.3")
        ),
        "{error:?}"
    );
    for part in [
        "https://github.com/nats-io/nats-server/issues/8376",
        "run nats-server 2.14.4 or newer",
        "accept_defect(\"8376\")",
        "`Transfer`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_model_whose_commands_send_one_guard_starts_with_one_warning() {
    let server = defective().await;
    let store = NatsStore::connect(server.url()).await.unwrap();
    let told = NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(Arc::new(told.reopen().unwrap()))
        .finish();
    let listening = tracing::subscriber::set_default(subscriber);
    let app = accounts().start(store).await.unwrap();
    let _ = app.execute(open("a")).await.unwrap();
    let _ = app.execute(deposit("a", 5)).await.unwrap();
    drop(listening);
    let told = std::fs::read_to_string(told.path()).unwrap();
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    assert!(told.contains("8376") && told.contains("2.14.3"), "{told}");
}

#[tokio::test]
async fn who_accepts_a_defect_works_as_if_there_were_none() {
    let server = defective().await;
    let builder = NatsStore::builder().accept_defect("8376");
    let store = builder.connect(server.url()).await.unwrap();
    let app = bank().start(store).await.unwrap();
    for account in ["a", "b"] {
        let _ = app.execute(open(account)).await.unwrap();
    }
    let _ = app.execute(deposit("a", 5)).await.unwrap();
    let transfer = Transfer {
        from: "a".into(),
        to: "b".into(),
        cents: 5,
    };
    assert_eq!(app.execute(transfer).await.unwrap().events.len(), 2);
}

#[tokio::test]
async fn a_defect_that_is_not_known_cannot_be_accepted() {
    let builder = NatsStore::builder().accept_defect("8377");
    let error = builder.connect("nats://127.0.0.1:4222").await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::UnknownDefect { number, known } if number == "8377" && known == &["8376"]),
        "{error:?}"
    );
}

/// The store rests on this to know the leader's version.
#[tokio::test]
async fn a_stream_tells_the_version_of_the_server_that_leads_it_whichever_is_asked() {
    let cluster = half_upgraded().await;
    let builder = NatsStore::builder().replicas(3);
    let bench = Bench::open(builder.connect(cluster.url()).await.unwrap()).await;
    for is_defective in [true, false] {
        if is_defective {
            led_by_node_0(&cluster, &bench.log).await;
        } else {
            cluster.step_down(&bench.log).await.unwrap();
        }
        for node in cluster.nodes() {
            let client = async_nats::connect(node.url()).await.unwrap();
            let stream = jetstream::new(client).get_stream(&*bench.log).await;
            let stream = stream.unwrap();
            let told = &stream.cached_info().config.metadata["_nats.ver"];
            assert_eq!(told == "2.14.3", is_defective, "{}: {told}", node.name());
        }
    }
}

#[tokio::test]
async fn several_guards_wait_while_a_defective_server_leads_and_go_on_when_another_one_does() {
    let cluster = half_upgraded().await;
    // Connected to a server without the defect.
    let builder = NatsStore::builder().replicas(3);
    let bench = Bench::open(builder.connect(cluster.node(1).url()).await.unwrap()).await;
    let (a, b, c) = (bench.item("a"), bench.item("b"), bench.item("c"));
    let several = |n: u64| bench.guarded(&format!("several-{n}"), &[(&a, n)], &[(&b, 0)]);
    let mut written = 0;

    led_by_node_0(&cluster, &bench.log).await;
    let refused = timeout(BOUND, async {
        loop {
            match bench.store.append(several(written)).await {
                Ok(stored) => written = stored.events[0].position().get(),
                Err(AppendError::Store(error @ StoreError::Defect { .. })) => return error,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    });
    let refused = refused.await.unwrap();
    assert!(refused.is_retryable());
    assert!(
        refused.to_string().contains("2.14.3 (its leader)"),
        "{refused}"
    );
    // Again and again, and what has one guard goes on.
    let (mut tail, mut refused) = (0, 0);
    while refused < 20 {
        match bench.store.append(several(written)).await {
            Err(AppendError::Store(StoreError::Defect { .. })) => refused += 1,
            Err(error) => assert!(error.is_retryable(), "{error}"),
            // A busy machine makes the servers elect another one by themselves.
            Ok(stored) => {
                written = stored.events[0].position().get();
                led_by_node_0(&cluster, &bench.log).await;
                continue;
            }
        }
        let one = bench.append(&format!("one-{tail}"), &[(&c, tail)]);
        tail = loop {
            match bench.store.append(one.clone()).await {
                Ok(stored) => break stored.events[0].position().get(),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        };
    }

    cluster.step_down(&bench.log).await.unwrap();
    let stored = timeout(BOUND, async {
        loop {
            match bench.store.append(several(written)).await {
                Ok(stored) => return stored,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(stored.await.unwrap().events.len(), 1);
}
