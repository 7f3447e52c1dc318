//! What cannot be served.

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, EventQuery, MemoryStore, Slice, Stream, emit,
};
use eventmodel_nats::{NatsCommands, ServeError};
use eventmodel_nats_harness::{Server, unique};
use futures_util::TryStreamExt;
use hotel_booking::hotel_booking;
use serde::{Deserialize, Serialize};

use crate::{builder, store};

/// A stream whose subjects are those of commands.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "desk.command.{bell}")]
struct Bell {
    bell: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Bell)]
struct Rung {
    bell: String,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Rung))]
struct Ring {
    bell: String,
}

impl Decide for Ring {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Rung {
            bell: self.bell.clone(),
        })
    }
}

fn desk() -> EventModel {
    EventModel::new("desk").slice(Slice::new("A guest rings").command::<Ring>())
}

#[tokio::test]
async fn what_cannot_be_served_is_said_at_the_start() {
    let app = hotel_booking().start(MemoryStore::new()).await.unwrap();
    let nats = store().await;
    let refused = async |commands: NatsCommands| commands.serve(&nats).await.unwrap_err();
    let error = refused(NatsCommands::new(app.clone()).prefix("a..b")).await;
    assert!(matches!(error, ServeError::Subject { .. }), "{error}");
    let error = refused(NatsCommands::new(app.clone()).version("1")).await;
    assert!(matches!(error, ServeError::Version { .. }), "{error}");

    let desk = desk().start(MemoryStore::new()).await.unwrap();
    let error = refused(NatsCommands::new(desk.clone())).await;
    match &error {
        ServeError::Taken { subject, log } => {
            assert_eq!(subject, "desk.command.ring");
            assert_eq!(&**log, "desk");
            assert!(
                error.to_string().contains("choose another prefix"),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
    // It says what helps.
    let prefixed = NatsCommands::new(desk.clone()).prefix(unique("desk"));
    prefixed.serve(&nats).await.unwrap().stop().await.unwrap();

    let server = Server::builder().config(
        "authorization { users = [ { user: desk, password: \"a b\", permissions: { subscribe: { deny: \"hotel-booking.>\" } } } ] }",
    );
    let server = server.start().await.unwrap();
    let url = server.url().replace("nats://", "nats://desk:a%20b@");
    let nats = builder().connect(url).await.unwrap();
    let error = NatsCommands::new(app.clone())
        .serve(&nats)
        .await
        .unwrap_err();
    assert!(matches!(error, ServeError::Denied { .. }), "{error}");
    app.shutdown().await.unwrap();
}

/// The server does not ask whether the sender may publish there, and the program may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_answer_would_be_stored_is_refused() {
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let app = hotel_booking().start(store.clone()).await.unwrap();
    let commands = NatsCommands::new(app.clone()).serve(&store).await.unwrap();
    let (client, subject) = (store.client(), "hotel-booking.command.create-room");
    let body = |id: u32| format!(r#"{{"data": {{"room": {{"id": {id}}}}}}}"#);
    for (id, reply) in (1..).zip([
        "booking.1.2050-01-01",
        "eventmodel.hotel.guard",
        "eventmodel_audit.CreateRoom",
        "$KV.hotel-parked.a",
        "$JS.API.STREAM.DELETE.hotel",
    ]) {
        let sent = client.publish_with_reply(subject, reply, body(id).into());
        sent.await.unwrap();
    }
    let sent = client.publish_with_reply("$SRV.PING", "booking.1.2050-01-01", "".into());
    sent.await.unwrap();
    client.request("$SRV.PING", "".into()).await.unwrap();
    // One after the other: this one comes last.
    let answer = client.request(subject, body(9).into()).await.unwrap();
    let answer = String::from_utf8_lossy(&answer.payload).into_owned();
    assert!(answer.contains("RoomCreated"), "{answer}");
    let events: Vec<_> = app.events(EventQuery::new()).try_collect().await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    commands.stop().await.unwrap();
    app.shutdown().await.unwrap();
}
