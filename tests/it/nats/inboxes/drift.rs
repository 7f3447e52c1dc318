//! A consumer that is not what an automation needs: the error tells the setting and the command that mends it, and the
//! command mends it.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::store::Store;
use eventmodel::{InboxSpec, MemoryStore, StoreError};
use eventmodel_nats::NatsStore;
use eventmodel_nats::async_nats::jetstream::consumer::{
    AckPolicy, Config, DeliverPolicy, ReplayPolicy,
};
use eventmodel_nats::async_nats::jetstream::{self, stream::Stream};
use eventmodel_nats_harness::{Cluster, Server};

use super::{Taker, connect, until};
use crate::bank::bank;
use crate::nats::builder;

const CONSUMER: &str = "bank_Checked";

/// What is wrong, how it is made wrong, and how an operator mends it; nothing if he removes the consumer.
type Case = (&'static str, fn(&mut Config), Option<fn(&mut Config)>);

const CASES: &[Case] = &[
    (
        "ack_wait",
        |c| c.ack_wait = Duration::from_secs(7),
        Some(|c| c.ack_wait = Duration::from_secs(10)),
    ),
    (
        "max_deliver",
        |c| c.max_deliver = 3,
        Some(|c| c.max_deliver = -1),
    ),
    (
        "max_ack_pending",
        |c| c.max_ack_pending = 1,
        Some(|c| c.max_ack_pending = 1_000),
    ),
    (
        "deliver_subject",
        |c| {
            c.deliver_subject = Some("elsewhere".into());
            c.max_waiting = 0;
        },
        None,
    ),
    (
        "filter_subjects",
        |c| c.filter_subject = "account.ann".into(),
        None,
    ),
    (
        "deliver_policy",
        |c| c.deliver_policy = DeliverPolicy::New,
        None,
    ),
    (
        "deliver_policy",
        |c| c.deliver_policy = DeliverPolicy::Last,
        None,
    ),
    ("ack_policy", |c| c.ack_policy = AckPolicy::All, None),
    (
        "replay_policy",
        |c| c.replay_policy = ReplayPolicy::Original,
        None,
    ),
    ("headers_only", |c| c.headers_only = true, None),
    (
        "backoff",
        |c| {
            c.backoff = vec![Duration::from_secs(10)];
            c.max_deliver = 3;
        },
        None,
    ),
    (
        "inactive_threshold",
        |c| c.inactive_threshold = Duration::from_secs(60),
        None,
    ),
    ("max_batch", |c| c.max_batch = 10, None),
    ("max_bytes", |c| c.max_bytes = 1_000_000, None),
    (
        "max_expires",
        |c| c.max_expires = Duration::from_secs(1),
        None,
    ),
    ("mem_storage", |c| c.memory_storage = true, None),
];

async fn open(store: &NatsStore) -> Result<(), StoreError> {
    let spec = InboxSpec {
        model: "bank".into(),
        automation: "Checked",
        log: "bank".into(),
    };
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let inbox = store.inboxes().open(&spec, &memory).await?;
    inbox.close().await;
    Ok(())
}

async fn reason(store: &NatsStore, name: &str) -> String {
    match open(store).await {
        Err(StoreError::Drift { log, reason }) => {
            assert_eq!(&*log, "bank");
            reason
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// As the store makes it.
async fn right(stream: &Stream) -> Config {
    stream.consumer_info(CONSUMER).await.unwrap().config
}

/// Makes it wrong, and mends it as it is said.
async fn check(store: &NatsStore, (name, wrong, mend): &Case) {
    open(store).await.unwrap();
    let context = jetstream::new(store.client().clone());
    let stream = context.get_stream("bank").await.unwrap();
    let mut config = right(&stream).await;
    stream.delete_consumer(CONSUMER).await.unwrap();
    wrong(&mut config);
    stream
        .create_consumer(config.clone())
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = reason(store, name).await;
    let what = format!("`{name}` of the consumer `{CONSUMER}` is ");
    assert!(
        text.contains(&what) && text.contains(" must be "),
        "{name}: {text}"
    );
    match mend {
        Some(mend) => {
            let command = format!("nats consumer edit bank {CONSUMER} --");
            assert!(text.contains(&command), "{name}: {text}");
            mend(&mut config);
            let mended = stream.update_consumer(config).await;
            mended.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        None => {
            let command = format!("nats consumer rm bank {CONSUMER}`");
            assert!(text.contains(&command), "{name}: {text}");
            stream.delete_consumer(CONSUMER).await.unwrap();
        }
    }
    open(store)
        .await
        .unwrap_or_else(|error| panic!("{name} was mended: {error}"));
}

#[tokio::test]
async fn each_wrong_setting_of_a_consumer_is_named_with_what_mends_it() {
    let server = Server::start().await.unwrap();
    let store = builder().connect(server.url()).await.unwrap();
    store.open(&bank().logs()).await.unwrap();
    for case in CASES {
        check(&store, case).await;
    }
}

/// Else it would skip events in silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_whose_consumer_is_changed_while_it_runs_stops_and_says_so() {
    let server = Server::start().await.unwrap();
    let app = Taker::default().model();
    let app = app.start(connect(&server.url()).await).await.unwrap();
    let context = jetstream::new(connect(&server.url()).await.client().clone());
    let stream = context.get_stream("bank").await.unwrap();
    let mut config = stream.consumer_info("bank_Taker").await.unwrap().config;
    config.filter_subject = "account.nobody".into();
    stream.update_consumer(config).await.unwrap();
    let stopped = || app.automations()[0].stopped.clone();
    until("the automation stops", async || stopped().is_some()).await;
    let said = stopped().unwrap().to_string();
    let advice = "`filter_subjects` of the consumer `bank_Taker` is account.nobody";
    assert!(said.contains(advice), "{said}");
    assert!(said.contains("nats consumer rm bank bank_Taker"), "{said}");
}

#[tokio::test]
async fn a_consumer_has_as_many_replicas_as_its_log() {
    let cluster = Cluster::start().await.unwrap();
    let store = builder().replicas(3);
    let store = store.connect(cluster.url()).await.unwrap();
    store.open(&bank().logs()).await.unwrap();
    let case: Case = (
        "num_replicas",
        |c| c.num_replicas = 1,
        Some(|c| c.num_replicas = 3),
    );
    check(&store, &case).await;
}
