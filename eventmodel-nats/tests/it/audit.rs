//! The audit trail as a JetStream stream.

use std::time::Duration;

use eventmodel::{AuditQuery, StoreError};
use eventmodel_nats::NatsStoreBuilder;
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, Source, StorageType,
};
use eventmodel_nats_harness::{Cluster, Server};
use support::bank::{bank, deposit};

use crate::builder;

#[tokio::test]
async fn the_trail_outlives_the_process_and_is_sent_before_it_ends() {
    const COMMANDS: usize = 600;
    let server = Server::start().await.unwrap();
    let store = builder().connect(server.url()).await.unwrap();
    let app = bank().start(store.clone()).await.unwrap();
    for _ in 0..COMMANDS {
        let _ = app.execute(deposit("ann", 1)).await.unwrap();
    }
    app.shutdown().await.unwrap();
    store.close().await.unwrap();
    let app = bank().start(builder().connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let all = app.audit(&AuditQuery::new()).await.unwrap();
    assert_eq!(all.len(), COMMANDS);
    assert!(
        all.is_sorted_by(|a, b| a.time >= b.time),
        "the newest first"
    );
    let some = AuditQuery::new().command("Deposit").limit(300);
    assert_eq!(app.audit(&some).await.unwrap(), all[..300]);
}

#[tokio::test]
async fn commands_do_not_depend_on_the_trail() {
    let server = Server::start().await.unwrap();
    let store = builder().audit_max_age(Duration::from_secs(3600));
    let first = store.connect(server.url()).await.unwrap();
    let app = bank().start(first).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    app.shutdown().await.unwrap();
    // Another age: the trail of this one is refused, the commands are not.
    let app = bank().start(builder().connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    app.shutdown().await.unwrap();
    let error = app.audit(&AuditQuery::new()).await.unwrap_err().to_string();
    assert!(
        error.contains("nats stream edit EVENTMODEL_AUDIT --max-age"),
        "{error}"
    );

    let without = builder().without_audit();
    let app = bank().start(without.connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let _ = app.execute(deposit("ann", 3)).await.unwrap();
    app.shutdown().await.unwrap();
    assert!(app.audit(&AuditQuery::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_trail_keeps_as_many_bytes_as_it_is_told_and_the_newest_entries() {
    const COMMANDS: u64 = 200;
    const BYTES: u64 = 20_000;
    let server = Server::start().await.unwrap();
    let store = crate::builder().audit_max_bytes(BYTES);
    let store = store.connect(server.url()).await.unwrap();
    let app = bank().start(store.clone()).await.unwrap();
    for _ in 0..COMMANDS {
        let _ = app.execute(deposit("ann", 1)).await.unwrap();
    }
    app.shutdown().await.unwrap();
    let context = jetstream::new(store.client().clone());
    let state = context.get_stream(TRAIL).await.unwrap();
    let state = state.cached_info().state.clone();
    assert_eq!(state.last_sequence, COMMANDS);
    assert!(state.bytes <= BYTES && state.messages > 10, "{state:?}");
    let kept = app.audit(&AuditQuery::new()).await.unwrap();
    assert_eq!(kept.len() as u64, state.messages);
}

const TRAIL: &str = "EVENTMODEL_AUDIT";

/// What is wrong, how it is made wrong, and how an operator mends it; nothing if he removes the trail.
type Case = (&'static str, fn(&mut Config), Option<fn(&mut Config)>);

const CASES: &[Case] = &[
    (
        "retention",
        |c| c.retention = RetentionPolicy::Interest,
        None,
    ),
    ("storage", |c| c.storage = StorageType::Memory, None),
    (
        "mirror",
        |c| {
            c.mirror = Some(Source {
                name: "another".into(),
                ..Source::default()
            });
            c.subjects = vec![];
        },
        None,
    ),
    (
        "subjects",
        |c| c.subjects = vec!["eventmodel_audit.Deposit".into()],
        Some(|c| c.subjects = vec!["eventmodel_audit.>".into()]),
    ),
    (
        "discard",
        |c| c.discard = DiscardPolicy::New,
        Some(|c| c.discard = DiscardPolicy::Old),
    ),
    (
        "max_age",
        |c| c.max_age = Duration::from_secs(3600),
        Some(|c| c.max_age = Duration::from_secs(14 * 24 * 3600)),
    ),
    (
        "allow_direct",
        |c| c.allow_direct = false,
        Some(|c| c.allow_direct = true),
    ),
    (
        "max_bytes",
        |c| c.max_bytes = -1,
        Some(|c| c.max_bytes = NatsStoreBuilder::DEFAULT_AUDIT_MAX_BYTES.cast_signed()),
    ),
    ("no_ack", |c| c.no_ack = true, Some(|c| c.no_ack = false)),
];

/// The trail of a process that has just started.
async fn asked(url: &str, replicas: Option<usize>) -> Result<(), StoreError> {
    let builder = builder();
    let builder = match replicas {
        Some(replicas) => builder.replicas(replicas),
        None => builder,
    };
    let store = builder.connect(url).await.unwrap();
    let app = bank().start(store).await.unwrap();
    app.audit(&AuditQuery::new()).await.map(drop)
}

async fn check(url: &str, replicas: Option<usize>, (name, wrong, mend): &Case) {
    asked(url, replicas).await.unwrap();
    let client = eventmodel_nats::async_nats::connect(url).await.unwrap();
    let context = jetstream::new(client);
    let mut stream = context.get_stream(TRAIL).await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    context.delete_stream(TRAIL).await.unwrap();
    wrong(&mut config);
    let created = context.create_stream(config.clone()).await;
    created.unwrap_or_else(|error| panic!("{name}: {error}"));
    let Err(StoreError::Drift { log, reason }) = asked(url, replicas).await else {
        panic!("{name} is not noticed");
    };
    assert_eq!(&*log, TRAIL);
    let what = format!("`{name}` is ");
    assert!(
        reason.contains(&what) && reason.contains(" must be "),
        "{name}: {reason}"
    );
    if let Some(mend) = mend {
        let command = format!("nats stream edit {TRAIL} --");
        assert!(reason.contains(&command), "{name}: {reason}");
        mend(&mut config);
        let mended = context.update_stream(config).await;
        mended.unwrap_or_else(|error| panic!("{name}: {error}"));
    } else {
        context.delete_stream(TRAIL).await.unwrap();
    }
    let mended = asked(url, replicas).await;
    mended.unwrap_or_else(|error| panic!("{name} was mended: {error}"));
}

#[tokio::test]
async fn each_wrong_setting_of_the_trail_is_named_with_what_mends_it() {
    let server = Server::start().await.unwrap();
    for case in CASES {
        check(&server.url(), None, case).await;
    }
}

#[tokio::test]
async fn the_trail_has_as_many_replicas_as_it_was_told() {
    let cluster = Cluster::start().await.unwrap();
    let case: Case = (
        "num_replicas",
        |c| c.num_replicas = 1,
        Some(|c| c.num_replicas = 3),
    );
    check(&cluster.urls()[0], Some(3), &case).await;
}
