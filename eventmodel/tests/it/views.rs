//! What views promise.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::{
    App, EventQuery, MemoryStore, Position, Projection, Slice, View, ViewError, projection,
};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use support::bank::{Account, Balance, Deposited, Total, account, bank, deposit, withdraw};

async fn start() -> App {
    bank().start(MemoryStore::new()).await.unwrap()
}

async fn keys(view: View<Balance>) -> Vec<String> {
    view.list()
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.key.account)
        .collect()
}

#[tokio::test]
async fn a_view_that_is_asked_after_a_receipt_has_seen_it() {
    let app = start().await;
    for cents in 1..200 {
        let receipt = app.execute(deposit("ann", cents)).await.unwrap();
        let view = app.view::<Balance>().after(receipt.position);
        let entry = view.instance(&account("ann")).await.unwrap().unwrap();
        assert_eq!(entry.value.cents, i64::from(cents * (cents + 1) / 2));
        assert_eq!(entry.position, receipt.position);
        let total = app
            .view::<Total>()
            .after(&receipt)
            .get(&())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(total.cents, entry.value.cents);
    }
}

#[tokio::test]
async fn a_view_that_does_not_get_there_in_time_says_so() {
    let app = start().await;
    let view = app
        .view::<Balance>()
        .after(Position::new(9))
        .within(Duration::from_millis(1));
    let error = view.get(&account("ann")).await.unwrap_err();
    assert!(matches!(error, ViewError::NotReached { wanted, at, .. }
        if wanted == Position::new(9) && at == Position::START));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_view_of_no_slice_is_an_error() {
    let app = eventmodel::EventModel::new("bank")
        .start(MemoryStore::new())
        .await
        .unwrap();
    let error = app
        .view::<Balance>()
        .get(&account("ann"))
        .await
        .unwrap_err();
    assert!(matches!(error, ViewError::NotInModel { view: "Balance" }));
}

#[tokio::test]
async fn instances_are_listed_by_prefix_and_by_range() {
    let app = start().await;
    for name in ["b", "a.x", "a", "c", ""] {
        let _ = app.execute(withdrawable(name)).await.unwrap();
    }
    app.settled().await.unwrap();
    let view = || app.view::<Balance>();
    assert_eq!(keys(view()).await, ["", "a", "a.x", "b", "c"]);
    assert_eq!(keys(view().prefix(&"a".to_owned())).await, ["a"]);
    assert_eq!(
        keys(view().range(account("a.")..account("c"))).await,
        ["a.x", "b"]
    );
    assert_eq!(keys(view().range(account("b")..)).await, ["b", "c"]);
    assert_eq!(view().get(&account("nobody")).await.unwrap(), None);
}

fn withdrawable(name: &str) -> support::bank::Open {
    support::bank::Open {
        account: name.to_owned(),
    }
}

#[tokio::test]
async fn a_view_is_rebuilt_when_it_starts_and_does_not_answer_before() {
    let store = MemoryStore::new();
    let first = bank().start(store.clone()).await.unwrap();
    for _ in 0..5_000 {
        let _ = first.execute(deposit("ann", 1)).await.unwrap();
    }
    first.shutdown().await.unwrap();
    let second = bank().start(store).await.unwrap();
    let balance = second
        .view::<Balance>()
        .get(&account("ann"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(balance.cents, 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_watch_starts_with_the_current_value_and_misses_nothing() {
    let app = start().await;
    let writer = tokio::spawn({
        let app = app.clone();
        async move {
            // Fewer changes than a watcher may be behind, however slow this one is.
            for _ in 0..500 {
                let _ = app.execute(deposit("ann", 1)).await.unwrap();
                let _ = app.execute(deposit("bob", 1)).await.unwrap();
            }
        }
    });
    // In the middle of the writing.
    app.view::<Balance>()
        .after(Position::new(200))
        .get(&account("ann"))
        .await
        .unwrap();
    let mut watch = app.view::<Balance>().watch(&account("ann"));
    let mut last = watch.next().await.unwrap().unwrap();
    while last.value.movements < 500 {
        let next = watch.next().await.unwrap().unwrap();
        assert_eq!(next.key, account("ann"));
        assert_eq!(next.value.movements, last.value.movements + 1);
        assert!(next.position > last.position);
        last = next;
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_watcher_that_is_slow_gets_the_newest_values() {
    let app = start().await;
    let mut watch = app.view::<Balance>().watch_all();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().value.cents, 1);
    for _ in 0..5_000 {
        let _ = app.execute(deposit("ann", 1)).await.unwrap();
        let _ = app.execute(deposit("bob", 1)).await.unwrap();
    }
    app.settled().await.unwrap();
    let mut newest = std::collections::HashMap::new();
    while newest.values().sum::<i64>() < 10_001 {
        let entry = watch.next().await.unwrap().unwrap();
        let before = newest.insert(entry.key.account.clone(), entry.value.cents);
        assert!(before.unwrap_or(0) < entry.value.cents, "a value went back");
    }
    assert_eq!((newest["ann"], newest["bob"]), (5_001, 5_000));
}

/// More instances than a watcher reads at a time; less, and more changes meanwhile than it may be behind.
#[tokio::test]
async fn a_watcher_of_many_instances_is_shown_all_of_them_and_each_change() {
    for changes in [0, 700, 3_000] {
        let app = start().await;
        for n in 0..1_000 {
            let _ = app.execute(deposit(&format!("a{n}"), 1)).await.unwrap();
        }
        app.settled().await.unwrap();
        let mut watch = app.view::<Balance>().watch_all();
        let mut last = watch.next().await.unwrap().unwrap();
        let mut seen = std::collections::HashMap::from([(last.key.account.clone(), last.clone())]);
        let mut shown = 0;
        for n in 0..changes {
            let name = format!("a{}", n * 7 % 1_000);
            let _ = app.execute(deposit(&name, 1)).await.unwrap();
        }
        app.settled().await.unwrap();
        let end = Position::new(1_000 + changes);
        while last.position < end {
            let next = watch.next().await.unwrap().unwrap();
            assert!(next.position > last.position, "it went back");
            seen.insert(next.key.account.clone(), next.clone());
            shown += u64::from(next.position > Position::new(1_000));
            last = next;
        }
        for entry in app.view::<Balance>().list().await.unwrap() {
            assert_eq!(seen.get(&entry.key.account), Some(&entry));
        }
        assert_eq!(seen.len(), 1_000);
        assert!(changes > 1_024 || shown == changes, "{shown} were shown");
    }
}

#[tokio::test]
async fn watchers_share_what_they_have_not_been_shown() {
    const WATCHERS: usize = 50;
    let app = start().await;
    for n in 0..1_000 {
        let _ = app.execute(deposit(&format!("a{n}"), 1)).await.unwrap();
    }
    app.settled().await.unwrap();
    let view = app.view_at("balance").unwrap();
    let mut watchers: Vec<_> = (0..WATCHERS).map(|_| view.watch("", None)).collect();
    for watcher in &mut watchers {
        watcher.next().await.unwrap().unwrap();
    }
    let mut held = 0;
    for instance in view.list("").await.unwrap() {
        // The view has it, and so has this list.
        held += Arc::strong_count(&instance.state) - 2;
    }
    assert!(held > 0 && held < WATCHERS * 1_000 / 5, "{held} are held");
}

#[tokio::test]
async fn a_watch_ends_when_the_app_shuts_down() {
    let app = start().await;
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    let watch = app.view::<Balance>().watch_all();
    app.shutdown().await.unwrap();
    let seen: Vec<_> = watch.try_collect().await.unwrap();
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn a_view_equals_a_fresh_fold_of_the_log() {
    let app = start().await;
    for n in 0..300_u32 {
        let name = format!("account-{}", n % 7);
        let _ = app.execute(deposit(&name, n + 1)).await.unwrap();
        let _ = app.execute(withdraw(&name, n / 2)).await;
    }
    app.settled().await.unwrap();
    for entry in app.view::<Balance>().list().await.unwrap() {
        let mut fresh = Balance::default();
        let query = EventQuery::new().of::<Account>(&entry.key).unwrap();
        let events: Vec<_> = app.events(query).try_collect().await.unwrap();
        for event in &events {
            assert!(fresh.apply(event).unwrap());
        }
        assert_eq!(entry.value, fresh);
    }
}

/// Cannot bear a thirteen.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Brittle {
    cents: u32,
}

#[projection(key = Account)]
impl Brittle {
    fn deposited(&mut self, event: &Deposited) {
        assert_ne!(event.cents, 13, "thirteen");
        self.cents += event.cents;
    }
}

#[tokio::test]
async fn a_view_whose_handler_panics_stops_and_says_so() {
    let model = bank().slice(Slice::new("Brittle").view::<Brittle>());
    let app = model.start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    let position = app.execute(deposit("ann", 13)).await.unwrap().position;
    let settled = tokio::time::timeout(Duration::from_secs(60), app.settled()).await;
    let view = || app.view::<Brittle>();
    let stopped = view().status().unwrap().stopped.unwrap();
    for error in [
        settled.unwrap().unwrap_err(),
        view().get(&account("ann")).await.unwrap_err(),
        stopped,
    ] {
        assert!(
            matches!(&error, ViewError::Panicked { position: at, message, .. }
                if *at == position && message.contains("thirteen")),
            "{error}"
        );
    }
    // Other views go on.
    let other = app.view::<Balance>().after(position);
    let balance = other.get(&account("ann")).await.unwrap().unwrap();
    assert_eq!(balance.cents, 14);
}
