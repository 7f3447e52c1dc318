//! Commands over NATS: the same answers as over HTTP, shared by processes, stopped without losing a request.

use std::time::Duration;

use eventmodel::{App, AppOptions, MemoryStore, Store};
use eventmodel_nats::async_nats::{Client, HeaderMap, Request, client::RequestErrorKind};
use eventmodel_nats::{NatsCommands, ServedCommands};
use eventmodel_nats_harness::{Server, unique};
use eventmodel_testing::{Faults, FaultyStore};
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use serde_json::{Value, json};
use support::hotel::{BOOK, CLEAN, data};

use super::store;
use crate::builder;

mod bodies;
mod refused;
mod stopping;

/// A hotel whose commands are served under a prefix of its own, and a client of it.
struct Hotel {
    app: App,
    commands: ServedCommands,
    prefix: String,
    client: Client,
}

type Headers<'a> = &'a [(&'a str, &'a str)];

#[derive(Debug)]
struct Reply {
    status: Option<u16>,
    headers: HeaderMap,
    body: Value,
}

impl Hotel {
    async fn open() -> Self {
        Self::open_on(MemoryStore::new(), |commands| commands).await
    }

    async fn open_on(books: impl Store, set: impl FnOnce(NatsCommands) -> NatsCommands) -> Self {
        let options = AppOptions::new().resolve_within(Duration::from_millis(100));
        let app = hotel_booking().start_with(books, options).await.unwrap();
        let nats = store().await;
        let prefix = unique("served");
        let commands = set(NatsCommands::new(app.clone()).prefix(&prefix));
        let commands = commands.serve(&nats).await.unwrap();
        let client = nats.client().clone();
        Self {
            app,
            commands,
            prefix,
            client,
        }
    }

    async fn with_rooms(self) -> Self {
        create_rooms(&self.app, ROOMS).await.unwrap();
        self
    }

    async fn send(&self, command: &str, body: &str, headers: Headers<'_>) -> Reply {
        let subject = format!("{}.hotel-booking.command.{command}", self.prefix);
        send(&self.client, subject, body, headers).await.unwrap()
    }

    async fn close(self) {
        self.commands.stop().await.unwrap();
        self.app.shutdown().await.unwrap();
    }
}

async fn send(
    client: &Client,
    subject: String,
    body: &str,
    headers: Headers<'_>,
) -> Result<Reply, RequestErrorKind> {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(*name, *value);
    }
    let request = Request::new().headers(all).payload(body.to_owned().into());
    let request = request.timeout(Some(Duration::from_secs(10)));
    let reply = client.send_request(subject, request).await;
    let reply = reply.map_err(|error| error.kind())?;
    let headers = reply.headers.unwrap_or_default();
    let status = headers.get("Nats-Service-Error-Code");
    Ok(Reply {
        status: status.map(|status| status.as_str().parse().unwrap()),
        body: serde_json::from_slice(&reply.payload).unwrap(),
        headers,
    })
}

#[tokio::test]
async fn the_reply_to_a_command_is_its_receipt() {
    let hotel = Hotel::open().await.with_rooms().await;
    let booked = hotel.send("book-room", BOOK, &[]).await;
    assert_eq!(booked.status, None, "{booked:?}");
    let tag = booked.headers.get("ETag").unwrap().as_str();
    assert!(tag.starts_with("\"11."), "{tag}");
    assert_eq!(booked.body["position"], 11);
    assert_eq!(booked.body["alreadyCommitted"], false);
    assert_eq!(booked.body["events"][0]["type"], "RoomBooked");
    assert_eq!(booked.body["events"][0]["data"]["client"]["id"], 1);
    assert_eq!(hotel.send("cleanup", CLEAN, &[]).await.status, None);
    hotel.close().await;
}

#[tokio::test]
async fn what_goes_wrong_is_a_problem_with_the_status_that_http_gives() {
    let hotel = Hotel::open().await.with_rooms().await;
    assert_eq!(hotel.send("book-room", BOOK, &[]).await.status, None);
    let nowhere = data(99, Some(1), "2022-12-12");
    let misspelled = BOOK.replace("client", "clent");
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    let refused: [(&str, Headers<'_>, u16, &str); 9] = [
        (BOOK, &[], 409, "already-booked"),
        (&nowhere, &[], 409, "no-such-room"),
        ("{", &[], 400, "malformed-body"),
        ("", &[], 400, "malformed-body"),
        ("[]", &[], 400, "malformed-body"),
        ("{}", &[], 422, "invalid-fields"),
        (&misspelled, &[], 422, "invalid-fields"),
        (BOOK, &twice, 400, "malformed-header"),
        (BOOK, &[("If-None-Match", "*")], 412, "stale"),
    ];
    for (body, headers, status, code) in refused {
        let reply = hotel.send("book-room", body, headers).await;
        assert_eq!(reply.status, Some(status), "{body}: {reply:?}");
        assert_eq!(reply.body["status"], status);
        assert_eq!(reply.body["code"], code, "{reply:?}");
        let title = reply.headers.get("Nats-Service-Error").unwrap();
        assert_eq!(reply.body["title"], title.as_str());
        let media_type = reply.headers.get("Content-Type").unwrap();
        assert_eq!(media_type.as_str(), "application/problem+json");
    }
    // Those that were a command are in the audit trail instead.
    let counts = hotel.app.refused().into_iter();
    let counts: Vec<_> = counts.map(|r| (r.kind.code, r.requests)).collect();
    let (fields, body, header) = (
        ("invalid-fields", 2),
        ("malformed-body", 3),
        ("malformed-header", 1),
    );
    assert_eq!(counts, [fields, body, header]);
    let reply = hotel.send("book-room", BOOK, &[]).await;
    assert_eq!(reply.body["type"], "/problems/book-room/already-booked");
    let reply = hotel.send("book-room", &misspelled, &[]).await;
    let pointer = reply.body["errors"][0]["pointer"].as_str().unwrap();
    assert!(pointer.starts_with("/data"), "{reply:?}");
    hotel.close().await;
}

#[tokio::test]
async fn what_is_not_offered_has_no_responders() {
    let hotel = Hotel::open().await;
    // The second is a command that only the bot issues.
    for command in ["sell-room", "schedule-cleaning"] {
        let subject = format!("{}.hotel-booking.command.{command}", hotel.prefix);
        let reply = send(&hotel.client, subject, BOOK, &[]).await;
        assert_eq!(reply.unwrap_err(), RequestErrorKind::NoResponders);
    }
    hotel.close().await;
}

#[tokio::test]
async fn headers_say_the_id_the_correlation_the_cause_and_the_trace() {
    let hotel = Hotel::open().await.with_rooms().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        ("idempotency-key", "\"booking-1\""),
        ("X-Correlation-Id", "the-guest"),
        ("X-Causation-Id", "the-form"),
        ("traceparent", trace),
    ];
    let first = hotel.send("book-room", BOOK, &headers).await;
    let again = hotel.send("book-room", BOOK, &headers).await;
    assert_eq!(first.body["commandId"], "booking-1");
    assert_eq!(first.body["correlationId"], "the-guest");
    assert_eq!(first.body["events"][0]["causationId"], "the-form");
    assert_eq!(again.body["alreadyCommitted"], true, "{again:?}");
    assert_eq!(again.body["position"], first.body["position"]);
    let other = data(2, Some(1), "2022-12-12");
    let other = hotel.send("book-room", &other, &headers).await;
    assert_eq!(other.body["code"], "id-reused", "{other:?}");
    let stale = [("If-Match", "\"7\"")];
    let stale = hotel.send("cleanup", CLEAN, &stale).await;
    assert_eq!(stale.body["actual"], first.body["revision"], "{stale:?}");
    hotel.close().await;
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_said_with_the_id_to_retry_with() {
    let faulty = FaultyStore::new(MemoryStore::new(), Faults::none().late_appends(1.0));
    let hotel = Hotel::open_on(faulty, |commands| commands).await;
    let room = r#"{"data": {"room": {"id": 1}}}"#;
    let reply = hotel.send("create-room", room, &[]).await;
    assert_eq!(reply.status, Some(503), "{reply:?}");
    assert_eq!(reply.body["code"], "unknown-outcome");
    assert!(reply.body["commandId"].is_string(), "{reply:?}");
    assert_eq!(reply.headers.get("Retry-After").unwrap().as_str(), "1");
    hotel.commands.stop().await.unwrap();

    let hotel = Hotel::open_on(MemoryStore::new(), |c| c.max_in_hand(0)).await;
    let reply = hotel.send("create-room", room, &[]).await;
    assert_eq!(
        (reply.status, &reply.body["code"]),
        (Some(503), &json!("overloaded"))
    );
    hotel.close().await;
}

/// A hotel on JetStream, served on this server.
async fn process(server: &Server) -> (App, ServedCommands) {
    let store = builder().connect(server.url()).await.unwrap();
    let options = AppOptions::new().drain_within(Duration::from_secs(1));
    let app = hotel_booking().start_with(store.clone(), options);
    let app = app.await.unwrap();
    let commands = NatsCommands::new(app.clone()).serve(&store).await.unwrap();
    (app, commands)
}

async fn async_client(server: &Server) -> Client {
    let store = builder().connect(server.url()).await.unwrap();
    store.client().clone()
}

#[tokio::test]
async fn a_service_is_found_with_its_endpoints_and_what_they_have_answered() {
    let server = Server::start().await.unwrap();
    let (app, commands) = process(&server).await;
    create_rooms(&app, ROOMS).await.unwrap();
    let client = async_client(&server).await;
    let subject = "hotel-booking.command.book-room".to_owned();
    assert!(commands.subjects().any(|served| served == subject));
    for _ in 0..2 {
        send(&client, subject.clone(), BOOK, &[]).await.unwrap();
    }
    let ask = async |subject: &str| send(&client, subject.to_owned(), "", &[]).await;
    let ping = ask("$SRV.PING").await.unwrap().body;
    assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
    assert_eq!(ping["name"], "hotel-booking");
    let info = ask("$SRV.INFO.hotel-booking").await.unwrap().body;
    assert_eq!(info["id"], ping["id"]);
    let endpoints = info["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 4, "{info}");
    let book = |endpoints: &Value| {
        let mut all = endpoints.as_array().unwrap().iter();
        all.find(|endpoint| endpoint["name"] == "book-room")
            .cloned()
            .unwrap()
    };
    let described = book(&info["endpoints"]);
    assert_eq!(described["subject"], subject);
    assert_eq!(described["queue_group"], "q");
    let schema: Value =
        serde_json::from_str(described["metadata"]["schema"].as_str().unwrap()).unwrap();
    assert!(schema["properties"]["room"].is_object(), "{schema}");
    let id = ping["id"].as_str().unwrap();
    let stats = ask(&format!("$SRV.STATS.hotel-booking.{id}"))
        .await
        .unwrap()
        .body;
    let counted = book(&stats["endpoints"]);
    assert_eq!(
        (&counted["num_requests"], &counted["num_errors"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(counted["last_error"], "409:The room is booked already");
    assert!(counted["average_processing_time"].as_u64().unwrap() > 0);
    commands.stop().await.unwrap();
    assert_eq!(
        ask("$SRV.PING").await.unwrap_err(),
        RequestErrorKind::NoResponders
    );
    assert_eq!(
        ask(&subject).await.unwrap_err(),
        RequestErrorKind::NoResponders
    );
    app.shutdown().await.unwrap();
}
