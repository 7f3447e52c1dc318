//! A consumer that is not what an automation needs: the error tells the setting and the command that mends it, and the
//! command mends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventmodel::memory;
use eventmodel::store::Store;
use eventmodel::{App, InboxSpec, MemoryStore, StoreError};
use eventmodel_nats::NatsStore;
use eventmodel_nats::async_nats::jetstream::consumer::{
    AckPolicy, Config, DeliverPolicy, PullConsumer, ReplayPolicy,
};
use eventmodel_nats::async_nats::jetstream::{self, stream::Stream};
use eventmodel_nats::async_nats::{Client, Subscriber};
use eventmodel_nats_harness::{Cluster, Server};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use support::bank::{bank, deposit};
use support::until;

use super::{BOUND, Taker, async_nats_of, connect, withdrawals};
use crate::builder;

const CONSUMER: &str = "bank_Checked";

/// The consumer of an automation that runs.
const NAME: &str = "bank_Taker";

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
    let inbox = memory::inboxes_of(store).open(&spec, &memory).await?;
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

/// A running automation, and its consumer to be changed.
struct Changed {
    server: Server,
    client: Client,
    app: App,
    taker: Taker,
    stream: Stream,
    /// What the app asks of the consumer.
    looks: Subscriber,
}

impl Changed {
    async fn start() -> Self {
        let server = Server::start().await.unwrap();
        let taker = Taker::default();
        let store = connect(&server.url()).await;
        let app = taker.model().start(store).await;
        let app = app.unwrap();
        let client = async_nats_of(&server).await;
        let looks = client.subscribe("$JS.API.CONSUMER.INFO.bank.bank_Taker");
        let looks = looks.await.unwrap();
        client.flush().await.unwrap();
        let context = jetstream::new(client.clone());
        let stream = context.get_stream("bank").await.unwrap();
        Self {
            server,
            client,
            app,
            taker,
            stream,
            looks,
        }
    }

    async fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.stream.consumer_info(NAME).await.unwrap().config;
        change(&mut config);
        self.stream.update_consumer(config).await.unwrap();
    }

    async fn deposit(&self, account: &str, cents: u32) {
        let _ = self.app.execute(deposit(account, cents)).await.unwrap();
    }

    fn stopped(&self) -> Option<String> {
        let stopped = self.app.automations()[0].stopped.clone();
        stopped.map(|error| error.to_string())
    }

    /// What it cannot go on for, whether it stops for that or waits.
    fn trouble(&self) -> Option<String> {
        let waiting = self.app.automations()[0].waiting.clone();
        self.stopped().or(waiting.map(|waiting| waiting.error))
    }

    /// Waits until it says so, and sees that it still does while the app looks again and again.
    async fn stays_in_trouble(&mut self, says: &str) {
        let says_so = |said: Option<String>| said.is_some_and(|said| said.contains(says));
        until(says, async || says_so(self.trouble())).await;
        while self.looks.next().now_or_never().is_some() {}
        let end = Instant::now() + BOUND;
        let mut looks = 0;
        while looks < 6 {
            assert!(says_so(self.trouble()), "{says}: {:?}", self.trouble());
            assert!(Instant::now() < end, "the app does not look");
            let next = tokio::time::timeout(Duration::from_millis(5), self.looks.next());
            looks += u32::from(next.await.is_ok());
        }
    }

    async fn goes_on(&self) {
        until("it says that it goes on", async || self.stopped().is_none()).await;
    }

    /// Stops it, and waits until the consumer has delivered for so long that it is known to.
    async fn is_known_to_go_on(&mut self) {
        self.change(|c| c.max_ack_pending = 1).await;
        self.stays_in_trouble("`max_ack_pending` of the consumer")
            .await;
        self.change(|c| c.max_ack_pending = 1_000).await;
        self.goes_on().await;
    }
}

/// Else it would skip events in silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_whose_consumer_is_changed_while_it_runs_stops_and_handles_nothing_until_it_is_mended()
 {
    let mut changed = Changed::start().await;
    changed.deposit("ann", 1).await;
    changed.app.settled().await.unwrap();
    changed.is_known_to_go_on().await;

    changed
        .change(|c| c.filter_subject = "account.bob".into())
        .await;
    let advice = "`filter_subjects` of the consumer `bank_Taker` is account.bob";
    changed.stays_in_trouble(advice).await;
    let said = changed.stopped().unwrap();
    assert!(said.contains("nats consumer rm bank bank_Taker"), "{said}");
    for cents in [2, 3] {
        changed.deposit("ann", cents).await;
        changed.deposit("bob", cents).await;
    }
    changed.stays_in_trouble(advice).await;
    assert_eq!(changed.taker.seen_of("bob"), [0; 0]);

    // Somebody takes from it, so that it skips the events of ann. Changed back it does not deliver them any more.
    let consumer: PullConsumer = changed.stream.get_consumer(NAME).await.unwrap();
    let taken = consumer.fetch().max_messages(2).messages().await.unwrap();
    let taken: Vec<_> = taken.try_collect().await.unwrap();
    for message in taken {
        message.double_ack().await.unwrap();
    }
    changed.change(|c| c.filter_subject = String::new()).await;
    changed.stays_in_trouble("had a filter for a while").await;
    let said = changed.stopped().unwrap();
    assert!(said.contains("nats consumer rm bank bank_Taker"), "{said}");
    changed.stream.delete_consumer(NAME).await.unwrap();
    until("all of it is handled", async || {
        changed.taker.seen_of("ann") == [1, 2, 3] && changed.taker.seen_of("bob") == [2, 3]
    })
    .await;
    changed.goes_on().await;
    changed.app.settled().await.unwrap();
    assert_eq!(changed.taker.seen.lock().unwrap().len(), 5);
    assert_eq!(withdrawals(&changed.app).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_whose_consumer_is_paused_says_so_and_goes_on_after_the_pause() {
    let mut changed = Changed::start().await;
    changed.deposit("ann", 1).await;
    changed.app.settled().await.unwrap();
    let client = changed.client.clone();
    let pause = async |until: &'static str| {
        let pause = client.request("$JS.API.CONSUMER.PAUSE.bank.bank_Taker", until.into());
        let _ = pause.await.unwrap();
    };
    pause(r#"{"pause_until": "2999-01-01T00:00:00Z"}"#).await;
    changed
        .stays_in_trouble("the consumer `bank_Taker` is paused until 2999-01-01")
        .await;
    let said = changed.stopped().unwrap();
    assert!(
        said.contains("nats consumer resume bank bank_Taker"),
        "{said}"
    );
    changed.deposit("ann", 2).await;
    changed.stays_in_trouble("is paused").await;
    // It starts, too.
    let store = connect(&changed.server.url()).await;
    let second = changed.taker.model().start(store).await.unwrap();
    second.shutdown().await.unwrap();
    pause("{}").await;
    until("it goes on", async || {
        changed.taker.seen_of("ann") == [1, 2]
    })
    .await;
    changed.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_that_cannot_read_what_is_parked_says_so_all_the_time() {
    let mut changed = Changed::start().await;
    changed.is_known_to_go_on().await;
    let context = jetstream::new(changed.client.clone());
    let _ = context.delete_stream("KV_bank-parked").await.unwrap();
    changed.stays_in_trouble("stream not found").await;
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
