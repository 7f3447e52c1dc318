//! The server: it stops in good order, whoever is connected.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::held::HeldStore;
use crate::model::BonusBot;
use crate::server::{Bank, request};

#[tokio::test]
async fn a_request_that_runs_ends_before_the_server_does() {
    let store = HeldStore::new();
    let mut bank = Bank::on(store.clone(), BonusBot::default(), |http| http.router()).await;
    store.hold_appends();
    let app = bank.app.clone();
    let mut connection = bank.connect().await;
    let body = r#"{"data": {"account": "a", "owner": null}}"#;
    let head = format!(
        "PUT /mutation/open-account HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    store.appending(1).await;
    bank.stop();
    let refused = async {
        // It takes no more connections.
        while tokio::net::TcpStream::connect(bank.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    refused.await;
    store.release_appends();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
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
    let drain = |server: eventmodel_http::Server| server.drain_within(Duration::from_millis(50));
    let mut bank = Bank::served(store, BonusBot::default(), |http| http.router(), drain).await;
    let mut half = bank.connect().await;
    half.write_all(b"PUT /mutation/open-account HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .await
        .unwrap();
    bank.get("/health").await.expect(200);
    bank.stop();
    bank.stopped().await.unwrap();
    let mut answer = Vec::new();
    let _ = half.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn a_head_that_does_not_arrive_closes_the_connection() {
    let quick = |server: eventmodel_http::Server| server.header_timeout(Duration::from_millis(50));
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
        connection.read_to_end(&mut answer).await.unwrap();
    }
    bank.get("/health").await.expect(200);
}

#[tokio::test]
async fn a_command_whose_sender_has_gone_is_executed_to_its_end() {
    let store = HeldStore::new();
    let bank = Bank::on(store.clone(), BonusBot::default(), |http| {
        http.router().merge(http.admin())
    })
    .await;
    store.hold_appends();
    let body = Body::from(json!({ "data": { "account": "a", "owner": null } }).to_string());
    let put = request(
        Method::PUT,
        "/mutation/open-account",
        &[("content-type", "application/json")],
        body,
    );
    {
        let mut sent = Box::pin(bank.begin(put));
        tokio::select! {
            _ = &mut sent => panic!("it cannot be answered yet"),
            () = store.appending(1) => {}
        }
    }
    // Its connection is closed; the server has noticed when the audit trail says how the command ended.
    store.release_appends();
    loop {
        let audit = bank
            .get("/audit?command=OpenAccount")
            .await
            .expect(200)
            .json();
        if let Some(entry) = audit["items"].get(0) {
            assert_eq!(entry["outcome"], "accepted");
            break;
        }
        tokio::task::yield_now().await;
    }
}
