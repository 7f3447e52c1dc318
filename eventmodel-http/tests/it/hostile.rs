//! Input that nobody should send: it is answered, and the next request is too.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use eventmodel::store::Limits;
use eventmodel_http::Server;
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::model::BonusBot;
use crate::server::{Bank, encoded, request, soon};

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let bank = Bank::open().await;
    let deep = "[".repeat(100_000);
    let deep_object = format!("{}1{}", r#"{"data":"#.repeat(1000), "}".repeat(1000));
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"{\"data\"",
        b"nonsense",
        b"{'data': {}}",
        b"{\"data\": {}} trailing",
        b"{\"data\": {\"account\": \"\xff\xfe\"}}",
        b"{\"data\": {\"account\": \"\\ud800\"}}",
        b"{\"data\": {\"cents\": 1e999}}",
        b"{\"data\": {\"cents\": NaN}}",
        b"\xef\xbb\xbf{\"data\": {}}",
        b"\0",
        b"[]",
        b"null",
        b"7",
        b"\"data\"",
        b"data=1",
        deep.as_bytes(),
        deep_object.as_bytes(),
    ] {
        let answer = bank.put_raw("open-account", body.to_vec(), &[]).await;
        answer.problem(400, "malformed-body");
    }
    bank.put("open-account", json!({ "account": "a", "owner": null }))
        .await
        .expect(201);
}

#[tokio::test]
async fn fields_of_the_wrong_type_are_refused() {
    let bank = Bank::open().await;
    for account in [
        json!(null),
        json!(1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!(["a"]),
    ] {
        bank.put("open-account", json!({ "account": account, "owner": null }))
            .await
            .problem(422, "invalid-fields");
    }
    for cents in [json!(-1), json!(1.5), json!("1"), json!(1e30), json!(null)] {
        bank.put("deposit", json!({ "account": "a", "cents": cents }))
            .await
            .problem(422, "invalid-fields");
    }
}

#[tokio::test]
async fn every_text_can_be_an_id() {
    let bank = Bank::open().await;
    let texts = [
        "*",
        ">",
        "a.b",
        "",
        "..",
        "%2F",
        "/",
        "\0",
        "\u{1}\n\r\t",
        "🦀",
        "é",
        "$SYS",
        " ",
        "\u{feff}",
        "%",
    ];
    for text in texts {
        let receipt = bank
            .put("open-account", json!({ "account": text, "owner": text }))
            .await
            .expect(201);
        let shown = bank
            .get(receipt.header("location"))
            .await
            .expect(200)
            .json();
        assert_eq!(shown["key"], json!([text]));
        assert_eq!(shown["value"]["owner"], text);
    }
}

#[tokio::test]
async fn an_id_that_is_too_long_for_a_subject_is_refused() {
    let bank = Bank::open().await;
    for text in ["x".repeat(10_240), "🦀".repeat(300)] {
        let answer = bank
            .put("open-account", json!({ "account": text, "owner": null }))
            .await;
        assert_eq!(
            answer.problem(422, "invalid-fields")["errors"][0]["pointer"],
            "/data"
        );
        let encoded = encoded(&text);
        bank.get(&format!("/query/balance/{encoded}"))
            .await
            .problem(404, "no-such-instance");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let bank = Bank::with(|http| http.body_limit(100).router()).await;
    let body = |len: usize| {
        let empty = json!({ "data": { "account": "", "owner": null } }).to_string();
        json!({ "data": { "account": "x".repeat(len - empty.len()), "owner": null } }).to_string()
    };
    bank.put_raw("open-account", body(100), &[])
        .await
        .expect(201);
    for len in [101, 10_000, 3_000_000] {
        let problem = bank
            .put_raw("close-account", body(len), &[])
            .await
            .problem(413, "body-too-large");
        assert_eq!(problem["limit"], 100);
    }
    // In chunks, so that nobody says beforehand how much it will be.
    let chunks = futures_util::stream::iter(
        (0..50).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"          "))),
    );
    bank.put_raw("close-account", Body::from_stream(chunks.boxed()), &[])
        .await
        .problem(413, "body-too-large");
}

#[tokio::test]
async fn who_sends_a_body_that_is_too_large_to_its_end_is_there_to_read_the_answer() {
    let bank = Bank::open().await;
    let len = 5_000_000;
    let mut bytes = format!(
        "PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {len}\r\n\r\n"
    )
    .into_bytes();
    bytes.resize(bytes.len() + len, b' ');
    let answer = bank.raw(&bytes).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

#[tokio::test]
async fn who_asks_first_need_not_send_a_body_that_is_too_large() {
    let bank = Bank::open().await;
    let head =
        b"PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 100000000\r\nexpect: 100-continue\r\n\r\n";
    let answer = bank.raw(head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

async fn limited(request: axum::extract::Request) -> axum::extract::Request {
    request.map(|body| Body::new(http_body_util::Limited::new(body, 50)))
}

#[tokio::test]
async fn a_layer_of_the_application_can_limit_bodies_further() {
    let bank = Bank::with(|http| http.router().layer(axum::middleware::map_request(limited))).await;
    let answer = bank
        .put(
            "open-account",
            json!({ "account": "x".repeat(100), "owner": null }),
        )
        .await;
    answer.problem(413, "body-too-large");
}

#[tokio::test]
async fn an_event_that_is_too_large_for_the_store_is_refused() {
    let store = eventmodel::MemoryStore::new().with_limits(Limits::default().payload(100));
    let bank = Bank::on(store, crate::model::BonusBot::default(), |http| {
        http.router()
    })
    .await;
    let answer = bank
        .put(
            "open-account",
            json!({ "account": "a", "owner": "x".repeat(100) }),
        )
        .await;
    assert_eq!(answer.problem(413, "event-too-large")["limit"], 100);
}

#[tokio::test]
async fn a_body_that_trickles_is_not_waited_for() {
    let bank = Bank::with(|http| http.timeout(Duration::from_millis(50)).router()).await;
    let mut connection = bank.connect().await;
    let head =
        b"PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 1000\r\n\r\n{\"data\": ";
    connection.write_all(head).await.unwrap();
    let mut answer = String::new();
    soon(connection.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("/problems/request-timeout"), "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_nothing() {
    let bank = Bank::open().await;
    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"data\": {}")),
        Err(std::io::Error::other("gone")),
    ]);
    let put = request(
        Method::PUT,
        "/mutation/open-account",
        &[("content-type", "application/json")],
        Body::from_stream(broken),
    );
    assert!(bank.try_begin(put).await.is_err());
    bank.put("open-account", json!({ "account": "a", "owner": null }))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let bank = Bank::open().await;
    let body = json!({ "data": { "account": "a", "owner": null } }).to_string();
    let send = async |headers: &[(&str, &str)]| {
        bank.send(request(
            Method::PUT,
            "/mutation/open-account",
            headers,
            Body::from(body.clone()),
        ))
        .await
    };
    for ty in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
        "",
        "*/*",
        "text/json+json",
        "application/json; charset=utf-16",
        "application/json; v=1; Charset = \"latin1\"",
    ] {
        let answer = send(&[("content-type", ty)]).await;
        assert_eq!(answer.header("accept"), "application/json");
        answer.problem(415, "unsupported-media-type");
    }
    send(&[]).await.problem(415, "unsupported-media-type");
    let json = ("content-type", "application/json");
    send(&[json, json])
        .await
        .problem(415, "unsupported-media-type");
    send(&[json, ("content-encoding", "gzip")])
        .await
        .problem(415, "unsupported-media-type");
    send(&[
        ("content-type", "Application/JSON ; charset=utf-8"),
        ("content-encoding", "identity"),
    ])
    .await
    .expect(201);
}

#[tokio::test]
async fn headers_of_any_bytes_are_answered() {
    let bank = Bank::open().await;
    let body = json!({ "data": { "account": "a", "owner": null } }).to_string();
    for name in [
        "idempotency-key",
        "if-match",
        "if-none-match",
        "x-correlation-id",
    ] {
        let mut head = format!(
            "PUT /mutation/open-account HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{name}: ",
            body.len()
        )
        .into_bytes();
        head.extend_from_slice(b"\xff\xfe\x80\r\n\r\n");
        head.extend_from_slice(body.as_bytes());
        let answer = bank.raw(&head).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {answer}");
        assert!(
            answer.contains("/problems/malformed-header"),
            "{name}: {answer}"
        );
    }
    for name in ["accept", "prefer", "traceparent", "user-agent"] {
        let mut head = format!(
            "GET /query/balance HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{name}: "
        )
        .into_bytes();
        head.extend_from_slice(b"\xff\xfe\r\n\r\n");
        assert!(bank.raw(&head).await.starts_with("HTTP/1.1 200"), "{name}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_http_are_answered() {
    let bank = Bank::open().await;
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET /query/balance/\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /query/balance/\xc3\xa9 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        b"GET /query/balance/a b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PUT /mutation/open-account HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"PUT /mutation/open-account HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let answer = bank.raw(bytes).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{bytes:?}: {answer}");
    }
    let long = format!(
        "GET /query/balance/{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "x".repeat(70_000)
    );
    assert!(bank.raw(long.as_bytes()).await.starts_with("HTTP/1.1 414"));
    let many = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
        "a: b\r\n".repeat(1000)
    );
    assert!(bank.raw(many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    bank.get("/health").await.expect(200);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let bank = Bank::open().await;
    let address = bank.address.to_string();
    for host in [
        &*address,
        "localhost",
        "LocalHost:1",
        "127.0.0.1",
        "[::1]:80",
    ] {
        bank.get_with("/", &[("host", host)]).await.expect(200);
    }
    for host in [
        "evil.example",
        "evil.example:3000",
        "localhost.evil.example",
        "127.0.0.1.evil",
    ] {
        for path in ["/query/totals", "/", "/nothing", "/mutation/deposit"] {
            bank.get_with(path, &[("host", host)])
                .await
                .problem(421, "misdirected");
        }
    }
    for host in ["", "a@localhost", "a b"] {
        bank.get_with("/query/totals", &[("host", host)])
            .await
            .problem(400, "malformed-header");
    }
    // The target counts, not the header.
    let head = "GET http://evil.example/query/totals HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = bank.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
}

#[tokio::test]
async fn a_request_that_names_no_host_is_refused() {
    let bank = Bank::open().await;
    for head in [
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ] {
        let answer = bank.raw(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

#[tokio::test]
async fn a_server_is_told_what_it_is_reached_as() {
    let any: [&str; 0] = [];
    let with = async |hosts: &[&str]| {
        let served = |server: Server| server.hosts(hosts.iter().copied());
        let store = eventmodel::MemoryStore::new();
        Bank::served(store, BonusBot::default(), |http| http.router(), served).await
    };
    let (open, named) = (with(&any).await, with(&["Hotel.example"]).await);
    let asked = async |bank: &Bank, host| bank.get_with("/", &[("host", host)]).await;
    asked(&open, "evil.example").await.expect(200);
    asked(&named, "hotel.example:443").await.expect(200);
    asked(&named, "localhost").await.problem(421, "misdirected");
}
