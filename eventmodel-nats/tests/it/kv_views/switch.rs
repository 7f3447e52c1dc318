//! A view is changed while it is read: processes of the new program build their bucket beside those of the old one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventmodel::{App, EventModel, Position, Receipt, Slice, ViewError};
use eventmodel_nats::KvViews;
use eventmodel_nats::async_nats::jetstream::{self, kv};
use eventmodel_nats_harness::{Direction, Proxy, Server, When};
use futures_util::future::join_all;
use serde_json::Value;
use support::bank::{Balance, Deposit, account, deposit};
use tokio::time::timeout;

use super::book::{Book, Seen};
use super::store;
use crate::builder;

const ACCOUNTS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(60);

fn bank() -> EventModel {
    let slice = Slice::new("Somebody pays in").view::<Balance>();
    EventModel::new("bank").slice(slice.command::<Deposit>())
}

/// The view as the new program has it: the fold is another one, as far as the servers know.
fn changed() -> KvViews {
    KvViews::new().version::<Balance>(2)
}

fn any_account() -> String {
    format!("a{}", fastrand::u32(..ACCOUNTS))
}

async fn pay_in(app: &App) -> Receipt {
    let account = any_account();
    app.execute(deposit(&account, 1)).await.unwrap()
}

async fn write(app: &App, going: &AtomicBool) {
    while going.load(Ordering::Relaxed) {
        let _ = pay_in(app).await;
    }
}

/// Somebody who asks whoever he is sent to, and says what he has seen.
async fn ask(old: &App, new: &App, is_switched: &AtomicBool, going: &AtomicBool) -> [u64; 2] {
    let mut seen: HashMap<String, Position> = HashMap::new();
    let mut newest = Position::START;
    let mut answers = [0; 2];
    while going.load(Ordering::Relaxed) {
        let name = any_account();
        let is_new = is_switched.load(Ordering::Relaxed);
        let app = if is_new { new } else { old };
        let view = app.view::<Balance>().after(newest);
        let entry = view.entry(&account(&name)).await.unwrap().unwrap();
        let before = seen.insert(name, entry.position).unwrap_or_default();
        assert!(before <= entry.position, "{before} was seen: {entry:?}");
        newest = newest.max(entry.position);
        answers[usize::from(is_new)] += 1;
    }
    answers
}

/// Another program, which reads the bucket that it is told to, and no view before it has all that there was.
async fn follow(versions: &kv::Store, jetstream: &jetstream::Context, at_start: Position) {
    loop {
        let told = versions.get("bank.Balance").await.unwrap().unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        let bucket = jetstream.get_key_value(told["bucket"].as_str().unwrap());
        let checkpoint = bucket.await.unwrap().get("=checkpoint.bank").await;
        let checkpoint: Value = serde_json::from_slice(&checkpoint.unwrap().unwrap()).unwrap();
        if told["version"] == 2 {
            let position = checkpoint["position"].as_u64().unwrap();
            assert!(position >= at_start.get(), "{checkpoint}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_built_and_switched_to_while_all_go_on() {
    let server = Server::start().await.unwrap();
    let old = bank()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    let mut at_start = Position::START;
    for n in 0..600 {
        let name = format!("a{}", n % ACCOUNTS);
        at_start = old.execute(deposit(&name, 1)).await.unwrap().position;
    }
    let jetstream = jetstream::new(old_client(&server).await);
    let versions = jetstream.get_key_value("eventmodel_views").await.unwrap();
    // The new process cannot write yet: its first entries are on their way.
    let proxy = Proxy::start(server.url()).await.unwrap();
    let held = proxy.block_at(Direction::ToServer, When::seen("Eventmodel-At"));
    let new = builder()
        .views(changed())
        .connect(proxy.url())
        .await
        .unwrap();
    let new = bank().start(new).await.unwrap();
    timeout(PATIENCE, held.happened()).await.unwrap();
    // It does not answer from what it has: it says how far it is.
    let early = new.view::<Balance>().within(Duration::ZERO);
    match early.get(&account("a0")).await {
        Err(ViewError::NotReached { wanted, at, .. }) => {
            assert!(at < wanted && wanted >= at_start, "{at}, {wanted}");
        }
        other => panic!("{other:?}"),
    }
    let (going, is_switched) = (AtomicBool::new(true), AtomicBool::new(false));
    let switching = async {
        // One that is asked too early waits, and is shown all that there was.
        let early = new.view::<Balance>().within(PATIENCE);
        let waiting = early.list();
        let unblocking = async {
            for _ in 0..100 {
                let _ = pay_in(&old).await;
            }
            proxy.unblock();
        };
        let (entries, ()) = tokio::join!(waiting, unblocking);
        assert_eq!(entries.unwrap().len(), ACCOUNTS as usize);
        timeout(PATIENCE, new.settled()).await.unwrap().unwrap();
        is_switched.store(true, Ordering::Relaxed);
        for _ in 0..300 {
            let _ = pay_in(&new).await;
        }
        going.store(false, Ordering::Relaxed);
    };
    let writing = (0..2).map(|_| write(&old, &going));
    let asking = (0..4).map(|_| ask(&old, &new, &is_switched, &going));
    let following = timeout(PATIENCE, follow(&versions, &jetstream, at_start));
    let ((), _, answers, followed) =
        tokio::join!(switching, join_all(writing), join_all(asking), following);
    followed.expect("nobody was told of the new version");
    let all = |which: usize| answers.iter().map(|answers| answers[which]).sum::<u64>();
    assert!(all(0) > 50 && all(1) > 50, "{answers:?}");
    // The old program is stopped, and its bucket deleted.
    old.shutdown().await.unwrap();
    let deleted = jetstream.delete_key_value("bank_Balance_v1").await;
    deleted.unwrap();
    let last = pay_in(&new).await;
    let view = new.view::<Balance>().after(&last).within(PATIENCE);
    let entries = view.list().await.unwrap().into_iter().map(Seen::from);
    let books = builder().connect(server.url()).await.unwrap();
    let _reader = bank().start(books.clone()).await.unwrap();
    Book::of(&books).await.is(&entries.collect::<Vec<_>>());
}

async fn old_client(server: &Server) -> eventmodel_nats::async_nats::Client {
    let store = builder().connect(server.url()).await.unwrap();
    store.client().clone()
}
