//! The server: it stops in good order, whoever is connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use eventmodel::MemoryStore;
use eventmodel_http::{Http, Server};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use crate::held::HeldStore;
use crate::model::BonusBot;
use crate::server::{Bank, request, soon};

#[tokio::test]
async fn a_request_that_runs_ends_before_the_server_does() {
    let store = HeldStore::new();
    let mut bank = Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await;
    store.hold_appends();
    let app = bank.app.clone();
    let mut connection = put(&bank).await;
    store.appending(1).await;
    bank.stop();
    let refused = async {
        // It takes no more connections.
        while TcpStream::connect(bank.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    refused.await;
    store.release_appends();
    let mut answer = String::new();
    soon(connection.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    bank.stopped().await.unwrap();
    let late = app
        .execute(crate::model::OpenAccount {
            account: "b".into(),
            owner: None,
        })
        .await;
    assert!(matches!(late, Err(eventmodel::ExecuteError::ShuttingDown)));
}

#[tokio::test]
async fn connections_on_which_nothing_happens_do_not_delay_the_end() {
    let mut bank = Bank::open().await;
    let silent = bank.connect().await;
    bank.get("/health").await.expect(200);
    bank.stop();
    bank.stopped().await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let store = HeldStore::new();
    let drain = |server: Server| server.drain_within(Duration::from_millis(50));
    let mut bank = Bank::served(store, BonusBot::default(), |http| http.router(), drain).await;
    let mut half = bank.connect().await;
    half.write_all(b"PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .await
        .unwrap();
    bank.get("/health").await.expect(200);
    bank.stop();
    bank.stopped().await.unwrap();
    let mut answer = Vec::new();
    let _ = soon(half.read_to_end(&mut answer)).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn a_head_that_does_not_arrive_closes_the_connection() {
    let quick = |server: Server| server.header_timeout(Duration::from_millis(50));
    let bank = Bank::served(
        HeldStore::new(),
        BonusBot::default(),
        |http| http.router(),
        quick,
    )
    .await;
    for begun in [&b""[..], b"GET /health HTTP/1.1\r\nho"] {
        let mut connection = bank.connect().await;
        connection.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        soon(connection.read_to_end(&mut answer)).await.unwrap();
    }
    bank.get("/health").await.expect(200);
}

const EVENTS: &str = "accept: text/event-stream";

/// A bank without patience whose view is larger than all buffers between it and a client, and somebody who asks for all
/// of it and reads nothing but the status.
async fn never_read(header: &str) -> (Bank, TcpStream) {
    let router = |http: Http| http.max_watchers(1).router();
    let server = |server: Server| {
        let server = server.write_timeout(Duration::from_millis(100));
        server.drain_within(Duration::from_secs(3600))
    };
    let bank = Bank::served(MemoryStore::new(), BonusBot::default(), router, server).await;
    let owner = "x".repeat(900_000);
    for account in 0..16 {
        let account = account.to_string();
        let opened = json!({ "account": account, "owner": owner });
        bank.put("open-account", opened).await.expect(201);
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut silent = socket.connect(bank.address).await.unwrap();
    let head =
        format!("GET /query/balance?after=16 HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n");
    silent.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    soon(silent.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    (bank, silent)
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    for header in ["accept: application/json", EVENTS] {
        let (mut bank, silent) = never_read(header).await;
        bank.stop();
        bank.stopped().await.unwrap();
        drop(silent);
    }
}

#[tokio::test]
async fn a_watcher_that_does_not_read_gives_its_place_to_another() {
    let (bank, silent) = never_read(EVENTS).await;
    let taken = async {
        let headers = [("accept", "text/event-stream")];
        let watch = || request(Method::GET, "/query/balance", &headers, Body::empty());
        while bank.begin(watch()).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    soon(taken).await;
    drop(silent);
}

/// All on one thread: what the server could take it has taken when this test has had its turn often enough.
#[tokio::test]
async fn a_connection_too_many_waits_until_another_one_ends() {
    let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let held = {
        let (begun, gate) = (begun.clone(), gate.clone());
        move || async move {
            begun.fetch_add(1, Ordering::Relaxed);
            gate.acquire().await.unwrap().forget();
        }
    };
    let bank = Bank::served(
        MemoryStore::new(),
        BonusBot::default(),
        |http| http.router().route("/held", get(held)),
        |server| server.max_connections(2),
    )
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = bank.connect().await;
        let head = b"GET /held HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        client.write_all(head).await.unwrap();
        clients.push(client);
    }
    let reached = async |count| {
        while begun.load(Ordering::Relaxed) < count {
            tokio::task::yield_now().await;
        }
    };
    soon(reached(2)).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    gate.add_permits(1);
    soon(reached(3)).await;
    gate.add_permits(2);
    for mut client in clients {
        let mut answer = String::new();
        soon(client.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Says so when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_command_whose_sender_has_gone_is_executed_to_its_end() {
    let store = HeldStore::new();
    let (dropped, mut is_dropped) = mpsc::unbounded_channel();
    let noticed = middleware::from_fn(move |request: Request, next: Next| {
        let guard = Dropped(dropped.clone());
        async move {
            let response = next.run(request).await;
            drop(guard);
            response
        }
    });
    let router = |http: Http| http.commands().layer(noticed).merge(http.admin());
    let bank = Bank::on(store.clone(), BonusBot::default(), router).await;
    store.hold_appends();
    let connection = put(&bank).await;
    store.appending(1).await;
    drop(connection);
    soon(is_dropped.recv()).await;
    store.release_appends();
    let executed = async {
        loop {
            let audit = bank
                .get("/audit?command=OpenAccount")
                .await
                .expect(200)
                .json();
            if let Some(entry) = audit["items"].get(0) {
                return entry["outcome"].clone();
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(soon(executed).await, "accepted");
}

/// A connection on which a command was sent.
async fn put(bank: &Bank) -> TcpStream {
    let body = r#"{"data": {"account": "a", "owner": null}}"#;
    let head = format!(
        "PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = bank.connect().await;
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}
