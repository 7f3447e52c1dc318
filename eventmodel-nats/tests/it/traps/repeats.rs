//! The same append twice: the server answers in another way on one replica and on three, the store does not.

use std::time::Duration;

use eventmodel::store::{AppendError, Store};
use eventmodel::{ExecuteOptions, Subject};
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::{Direction, Proxy, When, shared_cluster, shared_server};
use futures_util::future::join_all;
use support::bank::{bank, deposit, withdraw};
use support::until;
use tokio::time::timeout;

use super::bench::{BOUND, Bench, is_conflict, positions};
use crate::{builder, replicated_store, store};

/// The least that a server takes.
const SHORT_WINDOW: Duration = Duration::from_millis(100);

async fn forgetful_stores() -> [NatsStore; 2] {
    let short = || builder().duplicate_window(SHORT_WINDOW);
    let one = short().connect(shared_server().await.unwrap()).await;
    let three = short()
        .replicas(3)
        .connect(shared_cluster().await.unwrap())
        .await;
    [one.unwrap(), three.unwrap()]
}

/// Waits until the server has forgotten an id: until it stores another message with it.
async fn until_forgotten(bench: &Bench, id: &str) {
    let beside = bench.item("beside");
    let known = async || is_known(&bench.store, beside.as_str(), id, &[]).await;
    until("the id is forgotten", async || !known().await).await;
}

/// Waits until the server has forgotten an id, without giving it to another message: that of the question can never be
/// stored.
async fn until_free(store: &NatsStore, log: &str, id: &str) {
    let guards = format!("eventmodel.{log}.guard");
    let known = async || is_known(store, &guards, id, &[("Nats-Rollup", "never")]).await;
    until("the id is forgotten", async || !known().await).await;
}

/// Whether the server takes a message with this id for a duplicate.
async fn is_known(store: &NatsStore, subject: &str, id: &str, headers: &[(&str, &str)]) -> bool {
    use eventmodel_nats::async_nats::jetstream;
    let context = jetstream::new(store.client().clone());
    let message = jetstream::message::PublishMessage::build().message_id(format!("{id}/0"));
    let message = headers.iter().fold(message, |message, (name, value)| {
        message.header(*name, *value)
    });
    let sent = context.send_publish(subject.to_owned(), message);
    sent.await
        .unwrap()
        .await
        .is_ok_and(|answer| answer.duplicate)
}

#[tokio::test]
async fn an_append_that_is_made_again_gives_the_first_receipt_also_when_others_followed() {
    for store in [store().await, replicated_store().await] {
        let bench = Bench::open(store).await;
        let (a, b, c) = (bench.item("a"), bench.item("b"), bench.item("c"));
        let one = bench.append("one", &[(&a, 0)]);
        let first = bench.store.append(one.clone()).await.unwrap();
        let several = bench.guarded("several", &[(&b, 0), (&a, 1)], &[(&c, 0)]);
        let batch = bench.store.append(several.clone()).await.unwrap();
        for follower in 0..3 {
            for (append, receipt) in [(&one, &first), (&several, &batch)] {
                let again = bench.store.append(append.clone()).await.unwrap();
                assert!(again.already_committed);
                assert_eq!(positions(&again), positions(receipt));
                assert_eq!(again.revisions, receipt.revisions);
            }
            let last = bench.store.revision(&bench.log, &a).await.unwrap().get();
            bench.put(&format!("follower-{follower}"), &a, last).await;
        }
        assert_eq!(bench.events().await.len(), 3 + 3);
    }
}

#[tokio::test]
async fn an_append_that_is_made_again_after_the_duplicate_window_gives_the_first_receipt() {
    for store in forgetful_stores().await {
        let bench = Bench::open(store).await;
        let (a, b) = (bench.item("a"), bench.item("b"));
        let one = bench.append("one", &[(&a, 0)]);
        let several = bench.append("several", &[(&b, 0), (&a, 1)]);
        let receipts = [
            bench.store.append(one.clone()).await.unwrap(),
            bench.store.append(several.clone()).await.unwrap(),
        ];
        bench.put("follower", &a, 3).await;
        until_forgotten(&bench, "several").await;
        for (append, receipt) in [one, several].into_iter().zip(receipts) {
            let again = bench.store.append(append).await.unwrap();
            assert!(again.already_committed);
            assert_eq!(positions(&again), positions(&receipt));
        }
    }
}

#[tokio::test]
async fn the_same_append_at_the_same_time_is_stored_once_and_nobody_is_told_that_it_failed() {
    for store in [store().await, replicated_store().await] {
        let bench = Bench::open(store.clone()).await;
        let races = (0..40).map(|n| {
            let (a, b) = (bench.item(format!("a{n}")), bench.item(format!("b{n}")));
            let id = format!("c-{n}");
            let append = match n % 2 {
                0 => bench.append(&id, &[(&a, 0)]),
                _ => bench.append(&id, &[(&a, 0), (&b, 0)]),
            };
            let same = [append.clone(), append.clone(), append];
            let bench = &bench;
            async move {
                let results = join_all(same.map(|append| bench.store.append(append))).await;
                let mut new = 0;
                for result in &results {
                    // A write in flight may be the very same one: to be asked again.
                    if let Err(error) = result {
                        assert!(error.is_retryable() || is_conflict(result), "{error:?}");
                    }
                    new += usize::from(result.as_ref().is_ok_and(|a| !a.already_committed));
                }
                assert_eq!(new, 1, "{results:?}");
            }
        });
        join_all(races).await;
        assert_eq!(bench.events().await.len(), 60);
    }
}

#[tokio::test]
async fn an_id_that_was_used_on_other_instances_is_found_in_a_batch_too() {
    for store in [store().await, replicated_store().await] {
        let bench = Bench::open(store).await;
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| bench.item(name));
        let first = bench
            .store
            .append(bench.append("same", &[(&a, 0), (&b, 0)]));
        let first = first.await.unwrap();
        let elsewhere = bench.append("same", &[(&c, 0), (&d, 0)]);
        let again = bench.store.append(elsewhere).await.unwrap();
        assert!(again.already_committed);
        assert_eq!(positions(&again), positions(&first));
    }
}

/// Between the answer that an id is a duplicate, and the question of what.
#[tokio::test]
async fn a_question_for_an_id_that_was_just_forgotten_is_not_stored() {
    let url = |servers: String| servers.split(',').next().unwrap().to_owned();
    let one = url(shared_server().await.unwrap());
    let three = url(shared_cluster().await.unwrap());
    for (url, replicas) in [(one, 1), (three, 3)] {
        let short = || {
            let builder = builder().duplicate_window(SHORT_WINDOW);
            builder.replicas(replicas).timeout(BOUND)
        };
        let proxy = Proxy::start(&url).await.unwrap();
        let direct = Bench::open(short().connect(&url).await.unwrap()).await;
        let bench = direct
            .through(short().connect(proxy.url()).await.unwrap())
            .await;
        let guard = format!("eventmodel.{}.guard", bench.log);
        let asked = proxy.block_at(Direction::ToServer, When::seen(guard));
        let mut asked = std::pin::pin!(timeout(BOUND, asked.happened()));
        let mut tries = 0..;
        let again = loop {
            let n = tries.next().unwrap();
            let items = ["a", "b", "c", "d"].map(|name| bench.item(format!("{name}{n}")));
            let id = format!("same-{n}");
            let first = bench.append(&id, &[(&items[0], 0), (&items[1], 0)]);
            bench.store.append(first).await.unwrap();
            let elsewhere = bench.append(&id, &[(&items[2], 0), (&items[3], 0)]);
            let store = bench.store.clone();
            let mut again = tokio::spawn(async move { store.append(elsewhere).await });
            tokio::select! {
                asked = &mut asked => { asked.unwrap(); break again }
                // It was forgotten already, so nothing was asked.
                stored = &mut again => assert!(!stored.unwrap().unwrap().already_committed),
            }
        };
        // What is stored later is forgotten later.
        until_forgotten(&direct, "later").await;
        until_forgotten(&direct, "later").await;
        let before = direct.messages().await;
        proxy.unblock();
        let again = timeout(BOUND, again).await.unwrap().unwrap();
        assert!(
            matches!(again, Err(AppendError::Unknown { .. })),
            "{again:?}"
        );
        assert_eq!(direct.messages().await, before);
    }
}

/// What is written without a state to decide on.
mod notes {
    use eventmodel::{Command, Decide, Decision, Event, EventModel, Slice, Stream, emit};
    use serde::{Deserialize, Serialize};

    #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    #[stream(log = "notes", subject = "note.{page}")]
    pub(super) struct Page {
        pub(super) page: u32,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[event(stream = Page)]
    pub(super) struct Noted {
        pub(super) page: u32,
    }

    #[derive(Command, Serialize, Deserialize, Clone, Debug)]
    #[command(emits(Noted), id = "{id}")]
    pub(super) struct Note {
        pub(super) id: String,
        pub(super) page: u32,
    }

    impl Decide for Note {
        fn decide(&self, (): &()) -> Decision<Self> {
            emit(Noted { page: self.page })
        }
    }

    pub(super) fn model() -> EventModel {
        EventModel::new("notes").slice(Slice::new("Somebody takes a note").command::<Note>())
    }
}

#[tokio::test]
async fn a_command_that_only_writes_is_found_after_the_duplicate_window() {
    let server = eventmodel_nats_harness::Server::start().await.unwrap();
    let store = builder().duplicate_window(SHORT_WINDOW);
    let store = store.connect(server.url()).await.unwrap();
    let app = notes::model().start(store.clone()).await.unwrap();
    let note = |id: &str| notes::Note {
        id: id.into(),
        page: 1,
    };
    let first = app.execute(note("a")).await.unwrap();
    let _ = app.execute(note("b")).await.unwrap();
    until_free(&store, "notes", "a").await;
    let again = app.execute(note("a")).await.unwrap();
    assert!(again.already_committed);
    assert_eq!(again.position, first.position);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_command_that_another_process_executed_is_not_executed_again_on_what_came_of_it() {
    let server = eventmodel_nats_harness::Server::start().await.unwrap();
    let start = async || {
        let store = builder().duplicate_window(SHORT_WINDOW);
        let store = store.connect(server.url()).await.unwrap();
        let app = bank().start(store.clone()).await.unwrap();
        (store, app)
    };
    let ((store, one), (_, other)) = (start().await, start().await);
    let id = |text: &str| ExecuteOptions::new().try_id(text).unwrap();
    // It knows all ids of the account, and that there is no money.
    let _ = one.execute_with(deposit("ann", 5), id("a")).await.unwrap();
    let _ = one.execute_with(withdraw("ann", 5), id("b")).await.unwrap();
    let _ = other.execute(deposit("ann", 100)).await.unwrap();
    let mut first = Vec::new();
    for command in ["c", "d"] {
        let receipt = other.execute_with(withdraw("ann", 30), id(command)).await;
        first.push(receipt.unwrap());
    }
    for command in ["c", "d"] {
        until_free(&store, "bank", command).await;
    }
    // By what it remembers it is stale, and then as it was expected to be; or it is rejected, and then accepted.
    let as_it_is = id("d").expected_revision(first[1].revision);
    for (options, first) in [(as_it_is, &first[1]), (id("c"), &first[0])] {
        let again = one.execute_with(withdraw("ann", 30), options).await;
        let again = again.unwrap();
        assert!(again.already_committed);
        assert_eq!(again.position, first.position);
    }
    let ann = Subject::new("account.ann").unwrap();
    let last = store.revision(&"bank".into(), &ann).await.unwrap();
    assert_eq!(last, first[1].revision);
}
