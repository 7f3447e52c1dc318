//! Live views as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use eventmodel::record::Cursor;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Bank, soon};

/// An open stream of events.
struct Watch {
    connection: TcpStream,
    text: String,
}

impl Watch {
    async fn start(bank: &Bank, path: &str, headers: &str) -> Self {
        let mut connection = bank.connect().await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{headers}\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut watch = Self {
            connection,
            text: String::new(),
        };
        let head = watch.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        watch
    }

    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some((before, after)) = self.text.split_once(end) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.text = after;
                return before;
            }
            assert!(self.read().await, "the stream has ended: {:?}", self.text);
        }
    }

    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = soon(self.connection.read(&mut buffer)).await.unwrap();
        self.text += std::str::from_utf8(&buffer[..read]).unwrap();
        read > 0
    }

    /// The position and the data of the next event.
    async fn event(&mut self) -> (u64, Value) {
        let (id, data) = self.event_with_id().await;
        (id.position().get(), data)
    }

    async fn event_with_id(&mut self) -> (Cursor, Value) {
        let event = self.until("\n\n").await;
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {event:?}"))
                .to_owned()
        };
        (
            field("id: ").parse().unwrap(),
            serde_json::from_str(&field("data: ")).unwrap(),
        )
    }

    /// Reads to the end of the connection.
    async fn rest(mut self) -> String {
        while self.read().await {}
        self.text
    }
}

async fn open(bank: &Bank, account: &str) {
    bank.put("open-account", json!({ "account": account, "owner": null }))
        .await
        .expect(201);
}

async fn deposit(bank: &Bank, account: &str) {
    bank.put("deposit", json!({ "account": account, "cents": 5 }))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_watch_starts_with_what_is_there_and_goes_on_with_every_change() {
    let bank = Bank::open().await;
    open(&bank, "a").await;
    open(&bank, "b").await;
    let mut watch = Watch::start(&bank, "/query/balance?after=2", "").await;
    let balance = |cents| json!({ "owner": null, "cents": cents, "open": true });
    assert_eq!(
        watch.event().await,
        (
            1,
            json!({ "key": ["a"], "position": 1, "value": balance(0) })
        )
    );
    assert_eq!(watch.event().await.0, 2);
    deposit(&bank, "a").await;
    assert_eq!(
        watch.event().await,
        (
            3,
            json!({ "key": ["a"], "position": 3, "value": balance(5) })
        )
    );
}

#[tokio::test]
async fn one_instance_can_be_watched_before_it_is_there() {
    let bank = Bank::open().await;
    let mut watch = Watch::start(&bank, "/query/balance/a", "").await;
    open(&bank, "b").await;
    open(&bank, "a").await;
    assert_eq!(watch.event().await.0, 2);
    open(&bank, "a.b").await;
    deposit(&bank, "a").await;
    assert_eq!(watch.event().await.0, 4);
}

#[tokio::test]
async fn a_watch_that_was_cut_off_goes_on_where_it_was() {
    let bank = Bank::open().await;
    for account in ["a", "b", "c"] {
        open(&bank, account).await;
    }
    bank.app.settled().await.unwrap();
    let mut watch = Watch::start(&bank, "/query/balance", "last-event-id: 1\r\n").await;
    deposit(&bank, "a").await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(watch.event().await.0);
    }
    assert_eq!(seen, [2, 3, 4]);
}

#[tokio::test]
async fn a_watch_of_a_log_that_was_replaced_shows_everything() {
    let [before, after] = [Bank::open().await, Bank::open().await];
    for bank in [&before, &after] {
        open(bank, "a").await;
        open(bank, "b").await;
        bank.app.settled().await.unwrap();
    }
    // An empty id is none.
    let mut watch = Watch::start(&before, "/query/balance", "last-event-id: \r\n").await;
    let (id, _) = watch.event_with_id().await;
    let header = format!("last-event-id: {id}\r\n");
    let mut same = Watch::start(&before, "/query/balance", &header).await;
    assert_eq!(same.event().await.0, 2);
    let mut other = Watch::start(&after, "/query/balance", &header).await;
    assert_eq!(other.event().await.0, 1);
}

#[tokio::test]
async fn nothing_is_missed_and_nothing_comes_twice_while_others_write() {
    let bank = Bank::open().await;
    open(&bank, "a").await;
    let writing = async {
        for _ in 0..200 {
            deposit(&bank, "a").await;
        }
    };
    let watching = async {
        let (mut last, mut header) = (0, String::new());
        while last < 201 {
            // Cut off every few events, to go on after the last one.
            let mut watch = Watch::start(&bank, "/query/balance/a", &header).await;
            for _ in 0..7 {
                if last == 201 {
                    break;
                }
                let (id, data) = watch.event_with_id().await;
                let position = id.position().get();
                assert!(position > last, "{position} after {last}");
                assert_eq!(data["value"]["cents"], 5 * (position - 1));
                last = position;
                header = format!("last-event-id: {id}\r\n");
            }
        }
    };
    tokio::join!(writing, watching);
}

#[tokio::test]
async fn a_silent_watch_is_kept_alive() {
    let bank = Bank::with(|http| http.keep_alive(Duration::from_millis(5)).router()).await;
    let mut watch = Watch::start(&bank, "/query/balance", "").await;
    watch.until(":\n\n").await;
    watch.until(":\n\n").await;
}

#[tokio::test]
async fn there_are_never_more_watchers_than_allowed() {
    let bank = Bank::with(|http| {
        http.max_watchers(1)
            .keep_alive(Duration::from_millis(5))
            .router()
    })
    .await;
    let sse = [("accept", "application/json;q=0.5, text/event-stream")];
    let watch = Watch::start(&bank, "/query/balance", "").await;
    let refused = bank.get_with("/query/balance", &sse).await;
    assert_eq!(refused.header("retry-after"), "5");
    refused.problem(503, "too-many-watchers");
    bank.get("/query/balance").await.expect(200);
    drop(watch);
    // The server finds out when it next writes to the closed connection.
    let freed = async {
        let ask = || crate::server::request(Method::GET, "/query/balance", &sse, Body::empty());
        while bank.begin(ask()).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    soon(freed).await;
}

#[tokio::test]
async fn a_watch_that_cannot_start_is_a_problem() {
    let bank = Bank::open().await;
    let sse = ("accept", "text/event-stream");
    for id in ["x", "-1", "1, 2", "1.x"] {
        bank.get_with("/query/balance", &[sse, ("last-event-id", id)])
            .await
            .problem(400, "malformed-header");
    }
    bank.get_with("/query/nothing", &[sse])
        .await
        .problem(404, "unknown-view");
    bank.get_with("/query/agenda/x/y", &[sse])
        .await
        .problem(400, "invalid-key");
    let behind = [sse, ("prefer", "wait=0")];
    bank.get_with("/query/balance?after=9", &behind)
        .await
        .problem(503, "not-reached");
}

#[tokio::test]
async fn who_does_not_want_events_gets_none() {
    let bank = Bank::open().await;
    for accept in ["text/event-stream;q=0", "*/*", "text/*", "application/json"] {
        bank.get_with("/query/balance", &[("accept", accept)])
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_watch_ends_when_the_server_stops() {
    let mut bank = Bank::open().await;
    open(&bank, "a").await;
    let mut watch = Watch::start(&bank, "/query/balance?after=1", "").await;
    watch.event().await;
    bank.stop();
    // The last chunk: it ended, and was not cut off.
    assert!(watch.rest().await.ends_with("0\r\n\r\n"));
    bank.stopped().await.unwrap();
}

#[tokio::test]
async fn a_watch_ends_when_the_app_does_or_is_told_to() {
    for by_app in [true, false] {
        let mut adapter = None;
        let bank = Bank::with(|http| {
            adapter = Some(http.clone());
            http.router()
        })
        .await;
        let watch = Watch::start(&bank, "/query/balance", "").await;
        if by_app {
            bank.app.shutdown().await.unwrap();
        } else {
            adapter.unwrap().end_watches();
        }
        let mut text = watch;
        text.until("0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn thousands_of_changes_do_not_wait_for_a_slow_reader() {
    let bank = Bank::open().await;
    open(&bank, "a").await;
    let mut watch = Watch::start(&bank, "/query/balance/a", "").await;
    let deposits = futures_util::stream::iter(0..3000).map(|_| deposit(&bank, "a"));
    deposits.buffer_unordered(16).collect::<Vec<_>>().await;
    let mut last = 0;
    while last < 3001 {
        let (id, _) = watch.event().await;
        assert!(id > last);
        last = id;
    }
}
