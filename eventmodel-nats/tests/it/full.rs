//! No room, in a log, a bucket, or on the server: commands are refused, what else is to be written waits, and all of it
//! goes on when there is room again, in the same process.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::store::Store;
use eventmodel::{
    App, AppOptions, AuditQuery, AutomationStatus, EventModel, EventQuery, ExecuteError, Slice,
    StoreError, ViewError, automation,
};
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats::{KvViews, NatsStore};
use eventmodel_nats_harness::Server;
use futures_util::TryStreamExt;
use support::bank::{Balance, Deposit, Deposited, Open, Opened, account, bank, deposit};
use support::until;
use tokio::sync::Semaphore;

use super::inboxes::{Taker, withdrawals};
use super::kv_views::ledger;

/// Welcomes who opens an account, when it is let.
#[derive(Clone)]
struct Held(Arc<Semaphore>);

#[automation]
impl Held {
    async fn opened(&self, event: &Opened) -> Deposit {
        let _permit = self.0.acquire().await.unwrap();
        deposit(&event.account, 100)
    }
}

impl Held {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    fn model(&self) -> EventModel {
        bank().slice(Slice::new("Bot").automation_with(self.clone()))
    }

    fn let_go(&self) {
        self.0.add_permits(100);
    }
}

fn open(name: &str) -> Open {
    let account = name.to_owned();
    Open { account }
}

/// Sets how many bytes a JetStream stream keeps; -1 is no limit.
async fn limit(store: &NatsStore, stream: &str, bytes: i64) {
    let context = jetstream::new(store.client().clone());
    let stream = context.get_stream(stream).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.max_bytes = bytes;
    context.update_stream(config).await.unwrap();
}

fn status(app: &App) -> AutomationStatus {
    app.automations().pop().unwrap()
}

fn waits_for(app: &App, what: &str) -> bool {
    let waiting = status(app).waiting;
    waiting.is_some_and(|waiting| waiting.error.contains(what))
}

async fn gifts(app: &App) -> usize {
    let events = app.events(EventQuery::new().event::<Deposited>());
    let gift = |event: &eventmodel::RecordedEvent| &*event.metadata().source == "Held";
    let events = events.try_collect::<Vec<_>>().await.unwrap_or_default();
    events.iter().filter(|event| gift(event)).count()
}

async fn two_attempts(model: EventModel, store: &NatsStore) -> App {
    let options = AppOptions::new().automation_attempts(2);
    model.start_with(store.clone(), options).await.unwrap()
}

fn is_full<R>(error: &ExecuteError<R>, reason: &str) -> bool {
    let ExecuteError::Store(StoreError::Full { reason: text }) = error else {
        return false;
    };
    assert!(error.is_retryable());
    text.contains(reason)
}

#[tokio::test]
async fn a_full_log_refuses_commands_and_automations_wait_for_room() {
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let bot = Held::new();
    let app = two_attempts(bot.model(), &store).await;
    let _ = app.execute(open("ann")).await.unwrap();
    limit(&store, "bank", 1).await;
    bot.let_go();
    let error = app.execute(open("bob")).await.unwrap_err();
    let advice = "`nats stream edit <stream>` with `--max-bytes=<bytes>`";
    assert!(
        is_full(&error, "`bank`") && is_full(&error, advice),
        "{error}"
    );
    // Far more often than what is its own fault.
    let tried = AuditQuery::new().command("Deposit");
    until("it is tried again", async || {
        app.audit(&tried).await.is_ok_and(|tried| tried.len() > 5)
    })
    .await;
    assert!(
        waits_for(&app, "maximum bytes exceeded"),
        "{:?}",
        status(&app)
    );
    assert!(app.parked().is_empty() && status(&app).stopped.is_none());
    limit(&store, "bank", -1).await;
    until("it goes on", async || gifts(&app).await == 1).await;
    app.settled().await.unwrap();
    assert!(app.parked().is_empty() && status(&app).waiting.is_none());
    let _ = app.execute(open("bob")).await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(gifts(&app).await, 2);
}

#[tokio::test]
async fn what_cannot_be_parked_waits_for_room_and_other_instances_go_on() {
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let taker = Taker::default();
    let app = two_attempts(taker.model(), &store).await;
    limit(&store, "KV_bank-parked", 1).await;
    for (name, cents) in [("ann", 13), ("ann", 7), ("bob", 5)] {
        let _ = app.execute(deposit(name, cents)).await.unwrap();
    }
    let full = async || waits_for(&app, "KV_bank-parked");
    until("parking is refused", full).await;
    until("others go on", async || withdrawals(&app).await == 1).await;
    let _ = app.execute(deposit("cat", 6)).await.unwrap();
    until("others go on still", async || withdrawals(&app).await == 2).await;
    assert!(app.parked().is_empty() && status(&app).stopped.is_none());
    limit(&store, "KV_bank-parked", -1).await;
    let is_parked = async || matches!(&app.parked()[..], [parked] if parked.waiting == 1);
    until("it is parked, and the other behind it", is_parked).await;
    let parked = &app.parked()[0];
    assert_eq!(parked.attempts, 2);
    until("nothing waits", async || status(&app).waiting.is_none()).await;
    taker
        .mended
        .store(true, std::sync::atomic::Ordering::SeqCst);
    app.retry(parked).unwrap();
    until("all is done", async || withdrawals(&app).await == 4).await;
    assert_eq!(taker.seen_of("ann"), [13, 7]);
}

#[tokio::test]
async fn a_view_whose_bucket_is_full_goes_on_when_there_is_room() {
    let server = Server::start().await.unwrap();
    let builder = crate::builder().views(KvViews::new());
    let store = builder.connect(server.url()).await.unwrap();
    let app = ledger().start(store.clone()).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    app.settled().await.unwrap();
    limit(&store, "KV_bank_Balance_v1", 1).await;
    let receipt = app.execute(deposit("bob", 2)).await.unwrap();
    let view = || app.view::<Balance>().after(&receipt);
    let asked = view().within(Duration::from_millis(300));
    let error = asked.get(&account("bob")).await.unwrap_err();
    assert!(matches!(error, ViewError::NotReached { .. }), "{error}");
    limit(&store, "KV_bank_Balance_v1", -1).await;
    let asked = view().within(Duration::from_secs(60));
    let bob = asked.get(&account("bob")).await.unwrap().unwrap();
    assert_eq!((bob.cents, bob.movements), (2, 1));
}

#[tokio::test]
async fn everything_goes_on_after_a_full_server_was_restarted_with_room() {
    const ROOM: &str = "max_file_store: 200KB";
    let server = Server::builder().jetstream(ROOM).start().await.unwrap();
    let builder = crate::builder().audit_max_bytes(20_000);
    let store = builder.connect(server.url()).await.unwrap();
    let bot = Held::new();
    let app = two_attempts(bot.model(), &store).await;
    let mut opened = 0;
    let error = loop {
        match app.execute(open(&format!("account-{opened}"))).await {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
    };
    assert!(is_full(&error, "raise `max_file_store`"), "{error}");
    bot.let_go();
    until("it waits", async || waits_for(&app, "max_file_store")).await;
    let more = |text: String| text.replace(ROOM, "max_file_store: 200MB");
    server.reconfigure(more).unwrap();
    server.restart().await.unwrap();
    until("all gifts are given", async || gifts(&app).await == opened).await;
    app.settled().await.unwrap();
    assert_eq!(gifts(&app).await, opened, "each once");
    assert!(app.parked().is_empty() && status(&app).waiting.is_none());
    let _ = app.execute(open("late")).await.unwrap();
}

#[tokio::test]
async fn an_automation_whose_consumer_was_changed_goes_on_when_that_is_mended() {
    const CONSUMER: &str = "bank_Taker";
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let taker = Taker::default();
    let app = two_attempts(taker.model(), &store).await;
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    app.settled().await.unwrap();
    let context = jetstream::new(store.client().clone());
    let stream = context.get_stream("bank").await.unwrap();
    let right = stream.consumer_info(CONSUMER).await.unwrap().config;
    let mut wrong = right.clone();
    wrong.max_ack_pending = 1;
    until("it has stopped", async || {
        // The automation may be the first to make it again.
        stream.delete_consumer(CONSUMER).await.unwrap();
        let _ = stream.create_consumer(wrong.clone()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        status(&app).stopped.is_some()
    })
    .await;
    let stopped = status(&app).stopped.unwrap().to_string();
    assert!(stopped.contains("`max_ack_pending`"), "{stopped}");
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    stream.update_consumer(right).await.unwrap();
    until("it goes on", async || taker.seen_of("ann") == [1, 2]).await;
    until("it says so", async || status(&app).stopped.is_none()).await;
    app.settled().await.unwrap();
    assert!(store.last_position(&"bank".into()).await.is_ok());
}
