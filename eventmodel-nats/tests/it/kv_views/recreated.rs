//! A bucket that is deleted, created again, or put back to an older state while a process keeps a view in it: no entry
//! is ever folded from the middle of a log, and the process says that it has lost its bucket.

use std::path::Path;
use std::time::Duration;

use eventmodel::{App, Receipt, StoreError, ViewError};
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats::{KvViews, NatsStore};
use eventmodel_nats_harness::Server;
use support::bank::{Balance, Total, deposit};
use tokio::time::timeout;

use super::book::{Book, Seen, entries};
use super::{ledger, store};
use crate::builder;

const ACCOUNTS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(60);
const STREAM: &str = "KV_bank_Balance_v1";
const BUCKET: &str = "bank_Balance_v1";

async fn pay_in(app: &App, times: u32) -> Receipt {
    let mut last = None;
    for n in 0..times {
        let account = format!("a{}", n % ACCOUNTS);
        last = Some(app.execute(deposit(&account, n + 1)).await.unwrap());
    }
    last.unwrap()
}

async fn caught_up(app: &App, last: &Receipt) -> Vec<Seen> {
    let view = app.view::<Balance>().after(last).within(PATIENCE);
    let entries = view.list().await.unwrap();
    entries.into_iter().map(Seen::from).collect()
}

/// A program without views, which only writes.
async fn writer(server: &Server) -> (NatsStore, App) {
    let store = builder().connect(server.url()).await.unwrap();
    (store.clone(), ledger().start(store).await.unwrap())
}

/// Every value that was ever in the bucket was a whole fold.
async fn nothing_is_short(store: &NatsStore) {
    let book = Book::of(store).await;
    for seen in entries(store, BUCKET).await {
        book.explains(&seen);
    }
}

async fn says_that_it_lost_its_bucket(app: &App) {
    let stopped = timeout(PATIENCE, async {
        loop {
            match app.view::<Balance>().status().unwrap().stopped {
                Some(error) => return error,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    is_drift(&stopped.await.expect("it does not notice"));
    is_drift(&app.view::<Balance>().list().await.unwrap_err());
}

fn is_drift(error: &ViewError) {
    let text = error.to_string();
    let is_drift =
        matches!(error, ViewError::Store(StoreError::Drift { log, .. }) if **log == *STREAM);
    assert!(is_drift && !error.is_retryable(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_another_process_builds_again_is_left_to_it() {
    for cache in [1_000, 1] {
        let server = Server::start().await.unwrap();
        let (books, writer) = writer(&server).await;
        let begun = pay_in(&writer, 40).await;
        let first = ledger()
            .start(store(&server, KvViews::new().cache(cache)).await)
            .await
            .unwrap();
        caught_up(&first, &begun).await;
        let jetstream = jetstream::new(books.client().clone());
        let sequences = async || {
            let mut stream = jetstream.get_stream(STREAM).await.unwrap();
            let state = stream.info().await.unwrap().state.clone();
            state.first_sequence..=state.last_sequence
        };
        let gone = sequences().await;
        jetstream.delete_stream(STREAM).await.unwrap();
        let second = ledger()
            .start(store(&server, KvViews::new()).await)
            .await
            .unwrap();
        // What replaces a value of the one can replace none of the other.
        assert!(!gone.contains(sequences().await.start()));
        // New accounts, too: nothing that is written for the first time replaces a value.
        let _ = writer.execute(deposit("new", 1)).await.unwrap();
        let last = pay_in(&writer, 40).await;
        let built = caught_up(&second, &last).await;
        let book = Book::of(&books).await;
        book.is(&built);
        book.is(&entries(&books, BUCKET).await);
        says_that_it_lost_its_bucket(&first).await;
        // Its other view has its bucket.
        let total = first.view::<Total>().after(&last).within(PATIENCE);
        assert!(total.get(&()).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_deleted_at_any_moment_has_no_short_entries() {
    let server = Server::start().await.unwrap();
    let (books, writer) = writer(&server).await;
    let jetstream = jetstream::new(books.client().clone());
    let mut hosts = Vec::new();
    for round in 0..10 {
        let host = ledger()
            .start(store(&server, KvViews::new().cache(1 + round % 3 * 100)).await)
            .await
            .unwrap();
        let deleting = async {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..60))).await;
            // Whoever still keeps the view, and whatever is on its way.
            jetstream.delete_stream(STREAM).await.unwrap();
            ledger()
                .start(store(&server, KvViews::new().cache(1)).await)
                .await
                .unwrap()
        };
        let (last, next) = tokio::join!(pay_in(&writer, 60), deleting);
        let again = writer.execute(deposit("late", 1)).await.unwrap();
        assert!(last.position < again.position);
        let built = caught_up(&next, &again).await;
        let book = Book::of(&books).await;
        book.is(&built);
        book.is(&entries(&books, BUCKET).await);
        hosts.extend([host, next]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_bucket_of_the_same_name_is_not_taken_for_its_own() {
    let server = Server::start().await.unwrap();
    let (books, writer) = writer(&server).await;
    let begun = pay_in(&writer, 40).await;
    let host = ledger()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    let small = ledger()
        .start(store(&server, KvViews::new().cache(1)).await)
        .await
        .unwrap();
    caught_up(&host, &begun).await;
    caught_up(&small, &begun).await;
    let jetstream = jetstream::new(books.client().clone());
    let stream = jetstream.get_stream(STREAM).await.unwrap();
    let config = stream.cached_info().config.clone();
    jetstream.delete_stream(STREAM).await.unwrap();
    jetstream.create_stream(config).await.unwrap();
    // Also when no event comes that would tell.
    for app in [&host, &small] {
        is_drift(
            &app.view::<Balance>()
                .get(&support::bank::account("a1"))
                .await
                .unwrap_err(),
        );
        is_drift(&app.view::<Balance>().list().await.unwrap_err());
    }
    let _ = pay_in(&writer, 20).await;
    for app in [&host, &small] {
        says_that_it_lost_its_bucket(app).await;
    }
    nothing_is_short(&books).await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// As after a loss of power, or when an operator restores a backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_has_lost_its_end_is_noticed_by_the_processes_that_live_on() {
    let server = Server::start().await.unwrap();
    let (books, writer) = writer(&server).await;
    let begun = pay_in(&writer, 40).await;
    let views = KvViews::new().cache(1);
    let host = ledger().start(store(&server, views).await).await.unwrap();
    caught_up(&host, &begun).await;
    let data = server
        .directory()
        .join("store/jetstream/$G/streams")
        .join(STREAM);
    let kept = server.directory().join("kept");
    server.stop().await.unwrap();
    copy(&data, &kept);
    server.restart().await.unwrap();
    let more = pay_in(&writer, 40).await;
    caught_up(&host, &more).await;
    server.stop().await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&kept, &data);
    server.restart().await.unwrap();
    let _ = pay_in(&writer, 20).await;
    says_that_it_lost_its_bucket(&host).await;
    nothing_is_short(&books).await;
}
