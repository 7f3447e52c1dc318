//! A JetStream stream that has lost its end, by a loss of power or because it was restored from an older copy: its
//! positions come again, and what a process remembers is of another history.

use std::fs;
use std::path::Path;
use std::time::Duration;

use eventmodel::{ExecuteError, StoreError};
use eventmodel_nats::async_nats::Client;
use eventmodel_nats_harness::{Proxy, Server};
use futures_util::StreamExt;
use serde_json::{Value, json};
use support::bank::{Open, bank, deposit};
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::{builder, store};

/// More than is read by sequences.
const LONG: u64 = 150;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A copy of a JetStream stream, made by the server while it runs.
pub(super) struct Backup {
    description: Value,
    chunks: Vec<Vec<u8>>,
}

async fn ask(client: &Client, subject: String, body: &Value) -> Value {
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let answer = client.request(subject, body.into()).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

impl Backup {
    pub(super) async fn of(client: &Client, stream: &str) -> Self {
        let inbox = client.new_inbox();
        let mut sent = client.subscribe(inbox.clone()).await.unwrap();
        let request = json!({ "deliver_subject": inbox, "no_consumers": true });
        let description = ask(
            client,
            format!("$JS.API.STREAM.SNAPSHOT.{stream}"),
            &request,
        )
        .await;
        let mut chunks = Vec::new();
        loop {
            let chunk = timeout(BOUND, sent.next()).await.unwrap().unwrap();
            if chunk.payload.is_empty() {
                break;
            }
            if let Some(reply) = chunk.reply {
                client.publish(reply, "".into()).await.unwrap();
            }
            chunks.push(chunk.payload.to_vec());
        }
        Self {
            description,
            chunks,
        }
    }

    /// Puts it in the place of what is there now.
    pub(super) async fn restore(&self, client: &Client, stream: &str) {
        ask(
            client,
            format!("$JS.API.STREAM.DELETE.{stream}"),
            &Value::Null,
        )
        .await;
        let request = json!({
            "config": self.description["config"],
            "state": self.description["state"],
        });
        let to = ask(client, format!("$JS.API.STREAM.RESTORE.{stream}"), &request).await;
        let to = to["deliver_subject"].as_str().unwrap();
        for chunk in &self.chunks {
            let sent = client.request(to.to_owned(), chunk.clone().into());
            sent.await.unwrap();
        }
        ask(client, to.to_owned(), &Value::Null).await;
    }
}

fn is_drift(error: &StoreError) -> bool {
    matches!(error, StoreError::Drift { .. }) && error.to_string().contains("restart")
}

/// Its positions are all there again when the process comes back, on the very same instance.
#[tokio::test]
async fn an_end_that_was_lost_and_written_again_while_a_process_was_away_is_noticed() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let app = bank()
        .start(builder().connect(proxy.url()).await.unwrap())
        .await
        .unwrap();
    for _ in 0..3 {
        let _ = app.execute(deposit("a", 100)).await.unwrap();
    }
    let data = server.directory().join("store");
    let older = server.directory().join("older");
    server.stop().await.unwrap();
    copy(&data, &older);
    server.restart().await.unwrap();
    for _ in 0..3 {
        let deposited = timeout(BOUND, app.execute(deposit("a", 100)));
        let _ = deposited.await.unwrap().unwrap();
    }
    proxy.refuse();
    proxy.cut();
    server.stop().await.unwrap();
    fs::remove_dir_all(&data).unwrap();
    copy(&older, &data);
    server.restart().await.unwrap();
    let other = bank()
        .start(builder().connect(server.url()).await.unwrap())
        .await
        .unwrap();
    for position in 4..=8 {
        let receipt = other.execute(deposit("a", 1)).await.unwrap();
        assert_eq!(receipt.position.get(), position);
    }
    proxy.admit();
    let error = timeout(BOUND, async {
        loop {
            match app.execute(deposit("a", 100)).await {
                Ok(receipt) => panic!("decided on what is gone: {receipt:?}"),
                Err(error) if error.is_retryable() => {}
                Err(error) => return error,
            }
        }
    });
    let error = error.await.unwrap();
    assert!(error.to_string().contains("restart"), "{error}");
}

/// Without a reconnect nothing but the messages themselves can tell.
#[tokio::test]
async fn what_follows_on_another_history_is_not_loaded_behind_what_was_seen() {
    let old = Bench::open(store().await).await;
    let (a, b) = (old.item("a"), old.item("b"));
    let first = old.put("first", &a, 0).await;
    old.put("beside", &b, 0).await;
    let backup = Backup::of(old.store.client(), &old.log).await;
    let seen = old.put("lost", &a, first).await;
    let reader = old.through(store().await).await;
    assert_eq!(reader.load(&a, first, seen).await.unwrap().items.len(), 1);
    let other = old.through(store().await).await;
    backup.restore(other.store.client(), &old.log).await;
    // Its place is taken by another instance.
    other.put("in its place", &b, 2).await;
    let mut last = other.put("c-0", &a, first).await;
    let loaded = old.load(&a, seen, last).await;
    assert!(loaded.as_ref().is_err_and(is_drift), "{loaded:?}");
    for n in 1..LONG {
        last = other.put(&format!("c-{n}"), &a, last).await;
    }
    let loaded = reader.load(&a, seen, last).await;
    assert!(loaded.as_ref().is_err_and(is_drift), "{loaded:?}");
    // What rests on nothing that was seen is right.
    let fresh = other.through(store().await).await;
    let loaded = fresh.load(&a, first, last).await.unwrap();
    assert_eq!(loaded.items.len() as u64, LONG);
}

/// No guard protects a rejection, and the log is shorter than the state that it would be of.
#[tokio::test]
async fn nothing_is_rejected_because_of_an_end_that_was_lost() {
    let server = Server::start().await.unwrap();
    let store = builder().timeout(Duration::from_secs(1));
    let store = store.connect(server.url()).await.unwrap();
    let app = bank().start(store.clone()).await.unwrap();
    let _ = app.execute(deposit("a", 100)).await.unwrap();
    let backup = Backup::of(store.client(), "bank").await;
    let open = || Open {
        account: "a".into(),
    };
    let _ = app.execute(open()).await.unwrap();
    backup.restore(store.client(), "bank").await;
    let rejected = timeout(BOUND, app.execute(open())).await.unwrap();
    match rejected {
        Err(ExecuteError::Store(error)) => assert!(is_drift(&error), "{error}"),
        other => panic!("{other:?}"),
    }
}
