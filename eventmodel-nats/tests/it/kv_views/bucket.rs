//! What stands in the bucket of a view, and what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventmodel::store::AnyInstance;
use eventmodel::{EventModel, Slice, StartError, StoreError, ViewError, projection};
use eventmodel_nats::KvViews;
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::Server;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use support::bank::{Account, Balance, Deposited, Opened, deposit};

use super::{balances, ledger, store};

#[tokio::test]
async fn anybody_can_read_a_view_with_the_tools_of_nats() {
    let server = Server::start().await.unwrap();
    let store = store(&server, KvViews::new().history(5)).await;
    let jetstream = jetstream::new(store.client().clone());
    let app = ledger().start(store).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    let last = app.execute(deposit("b.c", 2)).await.unwrap();
    balances(&app.view::<Balance>().after(&last)).await;
    let bucket = jetstream.get_key_value("bank_Balance_v1").await.unwrap();
    let ann = bucket.get("ann").await.unwrap().unwrap();
    let expected = r#"{"log":"bank","position":1,"state":{"open":false,"cents":1,"movements":1}}"#;
    assert_eq!(ann, expected);
    assert!(bucket.get("b=2Ec").await.unwrap().is_some());
    let single = jetstream.get_key_value("bank_Total_v1").await.unwrap();
    assert!(single.get("=single").await.unwrap().is_some());
}

fn refusal<T: std::fmt::Debug>(started: Result<T, StartError>) -> String {
    match started {
        Err(StartError::View(ViewError::Store(error @ StoreError::Drift { .. }))) => {
            error.to_string()
        }
        other => panic!("it should be refused, it was {other:?}"),
    }
}

#[tokio::test]
async fn a_log_that_was_created_again_is_refused() {
    let server = Server::start().await.unwrap();
    let first = store(&server, KvViews::new()).await;
    let jetstream = jetstream::new(first.client().clone());
    let app = ledger().start(first).await.unwrap();
    let last = app.execute(deposit("ann", 1)).await.unwrap();
    balances(&app.view::<Balance>().after(&last)).await;
    app.shutdown().await.unwrap();
    jetstream.delete_stream("bank").await.unwrap();
    let again = store(&server, KvViews::new()).await;
    let text = refusal(ledger().start(again).await);
    assert!(
        text.contains("created at") && text.contains("KvViews::version"),
        "{text}"
    );
    let anew = KvViews::new()
        .version::<Balance>(2)
        .version::<support::bank::Total>(2);
    let anew = ledger().start(store(&server, anew).await).await.unwrap();
    assert!(balances(&anew.view::<Balance>()).await.is_empty());
}

/// The view of the same name in a later build of the program.
mod later {
    use super::{Account, Deposited, Deserialize, Opened, Serialize, projection};

    #[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub(super) struct Balance {
        pub(super) euros: i64,
    }

    #[projection(key = Account)]
    impl Balance {
        fn opened(&mut self, _: &Opened) {}

        fn deposited(&mut self, event: &Deposited) {
            self.euros += i64::from(event.cents) / 100;
        }
    }
}

fn later() -> EventModel {
    EventModel::new("bank").slice(Slice::new("Somebody looks").view::<later::Balance>())
}

#[tokio::test]
async fn a_view_that_handles_other_events_needs_another_version() {
    let server = Server::start().await.unwrap();
    let first = store(&server, KvViews::new()).await;
    let jetstream = jetstream::new(first.client().clone());
    let app = ledger().start(first).await.unwrap();
    let last = app.execute(deposit("ann", 1_200)).await.unwrap();
    let text = refusal(later().start(store(&server, KvViews::new()).await).await);
    assert!(text.contains("KvViews::version"), "{text}");
    let second = KvViews::new().version::<later::Balance>(2);
    let new = later().start(store(&server, second).await).await.unwrap();
    let entries = new
        .view::<later::Balance>()
        .after(&last)
        .list()
        .await
        .unwrap();
    assert_eq!(entries[0].value.euros, 12);
    // Who reads the bucket is told of the new one when it has all that there is.
    let versions = jetstream.get_key_value("eventmodel_views").await.unwrap();
    support::until("the new version is live", async || {
        let live = versions.get("bank.Balance").await.unwrap();
        live.is_some_and(|live| live == r#"{"bucket":"bank_Balance_v2","version":2}"#)
    })
    .await;
    // The old one is served as long as somebody hosts it.
    assert_eq!(
        balances(&app.view::<Balance>().after(&last)).await["ann"],
        (1_200, 1)
    );
}

#[tokio::test]
async fn a_key_that_somebody_deleted_is_noticed() {
    let server = Server::start().await.unwrap();
    let store = store(&server, KvViews::new()).await;
    let jetstream = jetstream::new(store.client().clone());
    let app = ledger().start(store).await.unwrap();
    let last = app.execute(deposit("ann", 1)).await.unwrap();
    balances(&app.view::<Balance>().after(&last)).await;
    let bucket = jetstream.get_key_value("bank_Balance_v1").await.unwrap();
    bucket.delete("ann").await.unwrap();
    let answer = app.view::<Balance>().list().await;
    let is_refused = matches!(answer, Err(ViewError::Store(StoreError::Drift { .. })));
    assert!(is_refused, "{answer:?}");
}

/// So many that a consumer reads them, or pages do, and so few that each is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_lacks_no_entry_that_is_written_meanwhile() {
    for (accounts, lists, is_paged) in [(1_200, 20, false), (1_200, 20, true), (50, 100, false)] {
        let server = Server::start().await.unwrap();
        let mut builder = crate::builder().views(KvViews::new());
        if is_paged {
            builder = builder.without_consumers();
        }
        let store = builder.connect(server.url());
        let app = ledger().start(store.await.unwrap()).await.unwrap();
        let names: Vec<String> = (0..accounts).map(|n| format!("a{n}")).collect();
        let opened = names.chunks(100).map(async |names| {
            for name in names {
                let _ = app.execute(deposit(name, 1)).await.unwrap();
            }
        });
        join_all(opened).await;
        app.settled().await.unwrap();
        let view = app.view::<Balance>();
        let going = AtomicBool::new(true);
        let writing = (0..8).map(async |_| {
            while going.load(Ordering::Relaxed) {
                let name = &names[fastrand::usize(..names.len())];
                let _ = app.execute(deposit(name, 1)).await.unwrap();
            }
        });
        let reading = (0..4).map(async |_| {
            for _ in 0..lists {
                assert_eq!(balances(&view).await.len(), names.len());
            }
        });
        let reading = async {
            join_all(reading).await;
            going.store(false, Ordering::Relaxed);
        };
        tokio::join!(join_all(writing), reading);
    }
}

/// What the process sends and is sent, without regard to how long it takes.
#[tokio::test]
async fn a_page_of_one_costs_at_most_twice_an_instance_however_many_there_are() {
    let server = Server::start().await.unwrap();
    let store = store(&server, KvViews::new()).await;
    let statistics = store.client().statistics();
    let app = ledger().start(store).await.unwrap();
    let names: Vec<String> = (100..400).map(|n| format!("a{n}")).collect();
    join_all(names.iter().map(|name| app.execute(deposit(name, 1)))).await;
    app.settled().await.unwrap();
    let view = app.view_at("balance").unwrap();
    // The leader names the keys once.
    assert_eq!(view.list("").await.unwrap().len(), names.len());
    let sent = || {
        let sent = &statistics.out_messages;
        [sent, &statistics.in_bytes].map(|counter| counter.load(Ordering::Relaxed))
    };
    let begun = sent();
    for name in &names[..100] {
        assert!(view.get(name).await.unwrap().is_some());
    }
    let instances = sent();
    let mut after = None::<String>;
    for name in &names[..100] {
        let page = view.page("", after.as_deref(), 1).await.unwrap();
        assert!(page.instances.len() == 1 && page.has_more);
        assert_eq!(*page.instances[0].key, **name);
        after = Some(name.clone());
    }
    let pages = sent();
    for what in 0..2 {
        let (one, page) = (instances[what] - begun[what], pages[what] - instances[what]);
        assert!(page <= 2 * one, "{page} for pages, {one} for instances");
    }
}

#[tokio::test]
async fn watchers_that_begin_together_share_what_they_begin_with() {
    let server = Server::start().await.unwrap();
    let app = ledger().start(store(&server, KvViews::new()).await);
    let app = app.await.unwrap();
    let last = app.execute(deposit("ann", 1)).await.unwrap();
    balances(&app.view::<Balance>().after(&last)).await;
    let view = app.view_at("balance").unwrap();
    let (mut one, mut other) = (view.watch("", None), view.watch("", None));
    let first = async |watch: &mut BoxStream<'_, _>| -> AnyInstance {
        let first: Result<_, ViewError> = watch.next().await.unwrap();
        first.unwrap()
    };
    let (a, b) = (first(&mut one).await, first(&mut other).await);
    assert!(Arc::ptr_eq(&a.state, &b.state));
    // Each goes on behind it.
    let next = app.execute(deposit("ann", 1)).await.unwrap();
    for watch in [&mut one, &mut other] {
        assert_eq!(first(watch).await.position, next.position);
    }
    // When nobody needs it any more, the next one begins with what is there then.
    assert_eq!(
        first(&mut view.watch("", None)).await.position,
        next.position
    );
}

#[tokio::test]
async fn a_list_leaves_no_consumer_behind() {
    let server = Server::start().await.unwrap();
    let store = store(&server, KvViews::new()).await;
    let jetstream = jetstream::new(store.client().clone());
    let app = ledger().start(store).await.unwrap();
    let last = app.execute(deposit("ann", 1)).await.unwrap();
    for _ in 0..20 {
        balances(&app.view::<Balance>().after(&last)).await;
    }
    let mut stream = jetstream.get_stream("KV_bank_Balance_v1").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.consumer_count, 0);
}
