//! Bodies that are read as they were sent, and answers that are too large for the server.

use eventmodel::{
    App, Command, Decide, Decision, Event, EventModel, EventQuery, MemoryStore, Slice, Stream, emit,
};
use eventmodel_nats::async_nats::{Client, HeaderMap, Message, Request};
use eventmodel_nats::{NatsCommands, ServedCommands};
use eventmodel_nats_harness::Server;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Hotel;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "page.{book}")]
struct Book {
    book: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Book)]
struct Written {
    book: String,
    number: u128,
    text: String,
    notes: Value,
}

/// Writes pages.
#[derive(Command, Serialize, Deserialize, Clone, Debug, schemars::JsonSchema)]
#[command(emits(Written))]
struct Write {
    book: String,
    #[serde(default)]
    number: u128,
    #[serde(default)]
    pages: usize,
    #[serde(default)]
    letters: usize,
    #[serde(default)]
    notes: Value,
}

impl Decide for Write {
    fn decide(&self, (): &()) -> Decision<Self> {
        let page = Written {
            book: self.book.clone(),
            number: self.number,
            text: "x".repeat(self.letters),
            notes: self.notes.clone(),
        };
        emit(vec![page; self.pages])
    }
}

/// Commands that a server serves which takes messages of so many bytes.
struct Desk {
    _server: Server,
    app: App,
    commands: ServedCommands,
    client: Client,
}

impl Desk {
    async fn open(max_payload: usize) -> Self {
        let server = Server::builder().config(&format!("max_payload: {max_payload}"));
        let server = server.start().await.unwrap();
        let model = EventModel::new("desk").slice(Slice::new("Someone writes").command::<Write>());
        let app = model.start(MemoryStore::new()).await.unwrap();
        let nats = crate::builder().connect(server.url()).await.unwrap();
        let commands = NatsCommands::new(app.clone()).serve(&nats).await.unwrap();
        let client = nats.client().clone();
        Self {
            _server: server,
            app,
            commands,
            client,
        }
    }

    async fn send(&self, body: &str) -> Message {
        let request = Request::new().payload(body.to_owned().into());
        let subject = "desk.command.write".to_owned();
        self.client.send_request(subject, request).await.unwrap()
    }

    async fn close(self) {
        self.commands.stop().await.unwrap();
        self.app.shutdown().await.unwrap();
    }
}

fn body(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

fn status(headers: &HeaderMap) -> Option<&str> {
    Some(headers.get("Nats-Service-Error-Code")?.as_str())
}

#[tokio::test]
async fn a_doubled_member_is_refused_over_nats_too() {
    let hotel = Hotel::open().await;
    for (body, pointer) in [
        (
            r#"{"data": {"room": {"id": 1}}, "data": {"room": {"id": 2}}}"#,
            "/data",
        ),
        (
            r#"{"data": {"room": {"id": 1}, "room": {"id": 2}}}"#,
            "/data/room",
        ),
        (
            r#"{"data": {"room": {"id": 1, "i\u0064": 2}}}"#,
            "/data/room/id",
        ),
    ] {
        let reply = hotel.send("create-room", body, &[]).await;
        assert_eq!(reply.status, Some(422), "{body}: {reply:?}");
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{body}");
    }
    let events = hotel.app.events(EventQuery::new());
    assert!(events.try_collect::<Vec<_>>().await.unwrap().is_empty());
    hotel.close().await;
}

#[tokio::test]
async fn numbers_are_recorded_as_they_were_sent_or_refused() {
    let desk = Desk::open(1024 * 1024).await;
    let sent = format!(
        r#"{{"data": {{"book": "a", "pages": 1, "number": {}}}}}"#,
        u128::MAX
    );
    let reply = desk.send(&sent).await;
    let text = std::str::from_utf8(&reply.payload).unwrap();
    assert!(
        text.contains(&format!(r#""number":{}"#, u128::MAX)),
        "{text}"
    );
    let sent = r#"{"data": {"book": "a", "pages": 1, "notes": [1.10, 0.1000000000000000055]}}"#;
    let reply = body(&desk.send(sent).await);
    assert_eq!(reply["errors"][0]["pointer"], "/data/notes/1", "{reply}");
    desk.close().await;
}

#[tokio::test]
async fn a_request_that_is_as_large_as_the_server_takes_it_is_answered() {
    let desk = Desk::open(1024 * 1024).await;
    let text = "x".repeat(900_000);
    for (sent, code) in [
        (
            format!(r#"{{"data": {{"book": "a", "number": "{text}"}}}}"#),
            "invalid-fields",
        ),
        (format!(r#"{{"data": {{"{text}": 1, "a"#), "malformed-body"),
        (
            format!(r#"{{"data": {{"book": "{text}", "pages": 1}}}}"#),
            "invalid-fields",
        ),
        (
            format!(r#"{{"data": {{"book": "a"}}, "{text}": 1}}"#),
            "invalid-fields",
        ),
        (text.clone(), "malformed-body"),
        ("[".repeat(900_000), "malformed-body"),
        (String::new(), "malformed-body"),
    ] {
        let reply = desk.send(&sent).await;
        assert!(reply.payload.len() < 16 * 1024, "{}", reply.payload.len());
        assert_eq!(body(&reply)["code"], code, "{sent:.40}");
    }
    let mut headers = HeaderMap::new();
    headers.insert("Idempotency-Key", &*text);
    let request = Request::new().headers(headers).payload("{}".into());
    let subject = "desk.command.write".to_owned();
    let reply = desk.client.send_request(subject, request).await.unwrap();
    assert!(reply.payload.len() < 16 * 1024, "{}", reply.payload.len());
    assert_eq!(body(&reply)["code"], "malformed-header");
    desk.close().await;
}

#[tokio::test]
async fn a_receipt_that_is_too_large_for_the_server_says_what_it_leaves_out() {
    let desk = Desk::open(16 * 1024).await;
    let write = |pages: usize, letters: usize| {
        json!({ "data": { "book": "a", "pages": pages, "letters": letters } }).to_string()
    };
    let reply = body(&desk.send(&write(2, 10)).await);
    assert_eq!(reply["events"][1]["data"]["text"], "x".repeat(10));
    assert_eq!(reply["omitted"], Value::Null);

    let reply = desk.send(&write(2, 10_000)).await;
    assert_eq!(status(reply.headers.as_ref().unwrap()), None);
    let reply = body(&reply);
    assert_eq!(reply["events"][1]["type"], "Written");
    assert_eq!(reply["events"][1]["data"], Value::Null);
    assert_eq!(reply["omitted"], json!({ "data": { "items": 2 } }));

    // What is committed is said, with where it is.
    let reply = desk.send(&write(200, 1)).await;
    let headers = reply.headers.as_ref().unwrap();
    assert_eq!(status(headers), None);
    assert!(headers.get("ETag").unwrap().as_str().starts_with("\"204."));
    let reply = body(&reply);
    assert_eq!(reply["events"], json!([]));
    assert_eq!(reply["omitted"], json!({ "events": { "items": 200 } }));
    assert_eq!(
        (&reply["log"], &reply["position"]),
        (&json!("desk"), &json!(204))
    );
    assert!(reply["commandId"].is_string());
    desk.close().await;
}

#[tokio::test]
async fn a_server_that_takes_next_to_nothing_gets_an_answer_of_headers() {
    let desk = Desk::open(200).await;
    let reply = desk.send(r#"{"data": {"book": "a", "pages": 1}}"#).await;
    let headers = reply.headers.as_ref().unwrap();
    assert!(headers.get("ETag").unwrap().as_str().starts_with("\"1."));
    assert!(reply.payload.is_empty());
    let reply = desk.send("{").await;
    assert_eq!(status(reply.headers.as_ref().unwrap()), Some("400"));
    assert!(reply.payload.is_empty());
    desk.close().await;
}

#[tokio::test]
async fn a_service_that_is_described_at_length_is_found_without_its_schemas() {
    let request = async |desk: &Desk| {
        let subject = "$SRV.INFO.desk".to_owned();
        let reply = desk.client.request(subject, "".into()).await.unwrap();
        body(&reply)["endpoints"][0]["metadata"].clone()
    };
    let desk = Desk::open(1024 * 1024).await;
    assert!(request(&desk).await["schema"].is_string());
    desk.close().await;
    let desk = Desk::open(700).await;
    let described = request(&desk).await;
    assert_eq!(described["description"], "Writes pages.");
    assert_eq!(described["schema"], Value::Null);
    desk.close().await;
}
