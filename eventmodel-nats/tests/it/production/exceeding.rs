//! The roles of docs/nats-server.conf: each does its work, and nothing else. Each is exceeded by hand, and the same
//! attempts succeed when the file says more than it should: so they would be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use eventmodel::{App, AuditQuery, EventModel, EventQuery, Slice};
use eventmodel_nats::async_nats::jetstream::consumer::pull;
use eventmodel_nats::async_nats::{Client, ConnectOptions, Subscriber, jetstream};
use eventmodel_nats::{KvViews, NatsCommands, NatsStore, NatsStoreBuilder, ServedCommands};
use eventmodel_nats_harness::Server;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use hotel_booking::command::{BookRoom, CreateRoom};
use hotel_booking::hotel_booking;
use hotel_booking::model::booking::{Booking, Status};
use hotel_booking::model::{Client as Guest, Room};
use hotel_booking::projection::Availability;
use jiff::civil::date;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::configuration::parts;

const PATIENCE: Duration = Duration::from_secs(60);

const BOT: &str = "hotel-booking_CleaningBot";
const TRAIL: &str = "EVENTMODEL_AUDIT";
const COMMAND: &str = "hotel-booking.command.create-room";

/// Users with what they may ask, and get an answer.
const READER: (&str, &str) = ("reader", "hotel.API.STREAM.INFO.hotel");
const VIEWS: (&str, &str) = ("views", "hotel.API.STREAM.INFO.hotel");
const DESK: (&str, &str) = ("desk", COMMAND);
const WEBSITE: (&str, &str) = ("website", COMMAND);

/// A hotel on a server with this configuration, and its rooms.
struct Hotel {
    server: Server,
    text: String,
    store: NatsStore,
    app: App,
    commands: ServedCommands,
}

impl Hotel {
    async fn open(text: &str) -> Self {
        let (_, lines) = parts();
        let server = Server::builder().config(text).jetstream(&lines);
        let server = server.start().await.unwrap();
        let store = crate::builder()
            .user_and_password("hotel", password(text, "hotel"))
            .views(KvViews::new());
        let store = store.connect(server.url()).await.unwrap();
        let app = hotel_booking().start(store.clone()).await.unwrap();
        let _ = app.execute(CreateRoom { room: room(1) }).await.unwrap();
        let commands = NatsCommands::new(app.clone());
        let commands = commands.serve(&store).await.unwrap();
        let hotel = Self {
            server,
            text: text.to_owned(),
            store,
            app,
            commands,
        };
        hotel.book(1).await;
        hotel
    }

    async fn book(&self, day: i8) -> eventmodel::Position {
        let (client, date) = (Guest { id: 1 }, date(2022, 12, day));
        let book = BookRoom {
            room: room(1),
            client,
            date,
        };
        let receipt = self.app.execute(book).await.unwrap();
        self.app.settled().await.unwrap();
        receipt.position
    }

    fn role(&self, user: &str) -> NatsStoreBuilder {
        crate::builder()
            .user_and_password(user, password(&self.text, user))
            .api_prefix("hotel.API")
            .without_setup()
            .without_consumers()
    }

    async fn client(&self, user: &str, inbox: &str) -> Client {
        let options = ConnectOptions::new()
            .user_and_password(user.into(), password(&self.text, user))
            .custom_inbox_prefix(inbox)
            .request_timeout(Some(Duration::from_secs(2)));
        options.connect(self.server.url()).await.unwrap()
    }

    async fn own(&self, user: &str) -> Client {
        self.client(user, &format!("_INBOX_{user}")).await
    }

    async fn close(self) {
        self.commands.stop().await.unwrap();
        self.app.shutdown().await.unwrap();
    }
}

fn room(id: u32) -> Room {
    Room { id }
}

/// The password of a user in the file.
fn password(text: &str, user: &str) -> String {
    let (_, rest) = text
        .split_once(&format!("user: {user}, password: \""))
        .unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The hotel as one sees it who only looks.
fn looks() -> EventModel {
    EventModel::new("hotel-booking").slice(Slice::new("Look").view::<Availability>())
}

async fn sees(app: &App, position: eventmodel::Position, day: i8) {
    let booking = Booking {
        room: room(1),
        date: date(2022, 12, day),
    };
    let view = app.view::<Availability>().after(position).within(PATIENCE);
    let seen = view.get(&booking).await.unwrap().unwrap();
    assert_ne!(seen.status, Status::Free);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_does_its_work() {
    let hotel = Hotel::open(&parts().0).await;

    let reader = hotel.role(READER.0).connect(hotel.server.url());
    let reader = looks().start(reader.await.unwrap()).await.unwrap();
    let views = hotel.role(VIEWS.0).views(KvViews::new());
    let views = views.connect(hotel.server.url()).await.unwrap();
    let views = looks().start(views).await.unwrap();
    for day in [2, 3] {
        let position = hotel.book(day).await;
        sees(&reader, position, day).await;
        sees(&views, position, day).await;
    }
    let events = reader.events(EventQuery::new());
    let events: Vec<_> = events.try_collect().await.unwrap();
    assert!(events.len() > 3, "{events:?}");
    let ended = reader.audit(&AuditQuery::new()).await.unwrap();
    assert!(ended.len() > 3, "{ended:?}");
    let view = views.view::<Availability>();
    assert_eq!(view.list().await.unwrap().len(), 3);
    let mut watched = view.watch_all();
    for _ in 0..3 {
        timeout(PATIENCE, watched.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
    let position = hotel.book(4).await;
    let changed = timeout(PATIENCE, watched.next()).await.unwrap().unwrap();
    assert!(changed.unwrap().position <= position);

    for (user, command) in [DESK, WEBSITE] {
        let client = hotel.own(user).await;
        let body = json!({"data": {"room": {"id": fastrand::u32(10..)}}}).to_string();
        let reply = client.request(command, body.into()).await.unwrap();
        let reply = String::from_utf8_lossy(&reply.payload).into_owned();
        assert!(reply.contains("RoomCreated"), "{user}: {reply}");
    }
    reader.shutdown().await.unwrap();
    views.shutdown().await.unwrap();
    hotel.close().await;
}

/// What an attempt can change that is not the role's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Log,
    Trail,
    Buckets,
    Streams,
    Consumers,
}

/// The same text for the same set-up.
fn text(config: &impl Serialize) -> String {
    serde_json::to_value(config).unwrap().to_string()
}

/// Everything that the owner of the log sees.
#[derive(Debug, PartialEq)]
struct Seen {
    /// How many messages there are, and the last sequence.
    counts: BTreeMap<String, (u64, u64)>,
    /// How each is set up.
    streams: BTreeMap<String, String>,
    consumers: BTreeMap<String, String>,
}

impl Seen {
    async fn now(hotel: &Hotel) -> Self {
        let context = jetstream::new(hotel.store.client().clone());
        let mut seen = Self {
            counts: BTreeMap::new(),
            streams: BTreeMap::new(),
            consumers: BTreeMap::new(),
        };
        let streams: Vec<_> = context.streams().try_collect().await.unwrap();
        for info in streams {
            let name = info.config.name.clone();
            let stream = context.get_stream(&name).await.unwrap();
            let consumers: Vec<_> = stream.consumers().try_collect().await.unwrap();
            for consumer in consumers {
                // Those of this program itself have no name of ours.
                let of_program = consumer.config.durable_name.is_none()
                    && consumer.config.deliver_subject.is_none()
                    && consumer.config.memory_storage;
                if !of_program {
                    let (delivered, floor) = (consumer.delivered, consumer.ack_floor);
                    let places = (delivered.stream_sequence, floor.stream_sequence);
                    let text = format!("{} {places:?}", text(&consumer.config));
                    seen.consumers.insert(consumer.name, text);
                }
            }
            let state = (info.state.messages, info.state.last_sequence);
            seen.counts.insert(name.clone(), state);
            seen.streams.insert(name, text(&info.config));
        }
        seen
    }

    fn changed(&self, before: &Self) -> BTreeSet<Changed> {
        let mut changed = BTreeSet::new();
        for (stream, count) in &before.counts {
            if self.counts.get(stream) != Some(count) {
                changed.insert(match stream.as_str() {
                    "hotel" => Changed::Log,
                    TRAIL => Changed::Trail,
                    _ => Changed::Buckets,
                });
            }
        }
        if self.streams != before.streams {
            changed.insert(Changed::Streams);
        }
        if self.consumers != before.consumers {
            changed.insert(Changed::Consumers);
        }
        changed
    }
}

/// Subject, body, and where the answer is wanted.
type Attempt = (String, String, Option<&'static str>);

/// What somebody asks of JetStream who knows it.
fn requests() -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut attempt = |subject: String, body: serde_json::Value, reply| {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        attempts.push((subject, body, reply));
    };
    for api in ["$JS.API", "hotel.API"] {
        let mut ask =
            |endpoint: &str, body, reply| attempt(format!("{api}.{endpoint}"), body, reply);
        let delivers = |stream: &str, to: &str| json!({"stream_name": stream, "config": {"deliver_subject": to, "ack_policy": "none"}});
        // The log, and the inbox of another one, as the place to deliver to.
        ask(
            &format!("CONSUMER.CREATE.{TRAIL}"),
            delivers(TRAIL, "booking.1.2050-01-01"),
            None,
        );
        ask(
            "CONSUMER.CREATE.hotel",
            delivers("hotel", "_INBOX_desk.spied"),
            None,
        );
        ask(
            "CONSUMER.DURABLE.CREATE.hotel.spy",
            json!({"stream_name": "hotel", "config": {"durable_name": "spy", "ack_policy": "explicit"}}),
            None,
        );
        // The consumer of the automation: pulled from, moved by either way, removed.
        ask(
            &format!("CONSUMER.MSG.NEXT.hotel.{BOT}"),
            json!({"batch": 10}),
            Some("_INBOX_desk.spied"),
        );
        let moved = |name: &str| {
            json!({"stream_name": "hotel", "config": {
                "name": name, "ack_policy": "explicit", "ack_wait": 10_000_000_000_u64, "max_ack_pending": 1000,
                "filter_subject": "booking.9.2050-01-01",
            }})
        };
        ask("CONSUMER.CREATE.hotel", moved(BOT), None);
        let mut durable = moved(BOT);
        durable["config"]["durable_name"] = json!(BOT);
        ask(&format!("CONSUMER.CREATE.hotel.{BOT}"), durable, None);
        ask(&format!("CONSUMER.DELETE.hotel.{BOT}"), json!(null), None);
        // Streams.
        ask(
            "STREAM.CREATE.spy",
            json!({"name": "spy", "subjects": ["spied.>"]}),
            None,
        );
        let wider = json!({"name": TRAIL, "subjects": ["eventmodel_audit.>", "spied.*"], "max_age": 1_209_600_000_000_000_u64});
        ask(&format!("STREAM.UPDATE.{TRAIL}"), wider, None);
        ask(
            &format!("STREAM.MSG.DELETE.{TRAIL}"),
            json!({"seq": 1}),
            None,
        );
        ask(&format!("STREAM.PURGE.{TRAIL}"), json!(null), None);
        // What may be asked, with the log as the place for the answer.
        ask(
            "STREAM.INFO.hotel",
            json!(null),
            Some("booking.1.2050-01-02"),
        );
        ask(
            "STREAM.MSG.GET.hotel",
            json!({"seq": 1}),
            Some("booking.1.2050-01-03"),
        );
        ask(
            "DIRECT.GET.hotel",
            json!({"seq": 1}),
            Some("booking.1.2050-01-04"),
        );
        let batch = json!({"seq": 1, "next_by_subj": ">", "batch": 10, "max_bytes": 100_000});
        ask("DIRECT.GET.hotel", batch, Some("booking.1.2050-01-05"));
        ask("$KV.hotel-parked.parked.spied", json!({}), None);
    }
    attempts
}

/// What somebody tries who knows JetStream and this library.
fn attempts(may_command: bool) -> Vec<Attempt> {
    let mut attempts = requests();
    let mut attempt = |subject: &str, body: serde_json::Value, reply| {
        attempts.push((subject.to_owned(), body.to_string(), reply));
    };
    for subject in [
        "booking.1.2050-01-06",
        "eventmodel.hotel.guard",
        "eventmodel_audit.Spied",
        "$KV.hotel-booking_Availability_v1.1.2050-01-01",
        "$KV.hotel-parked.parked.spied",
    ] {
        attempt(subject, json!({}), None);
    }
    attempt(
        &format!("$JS.ACK.hotel.{BOT}.1.1.1.1.0"),
        json!("+TERM"),
        None,
    );
    // An answer is sent by the program, which may do all.
    for reply in [
        "booking.1.2050-01-07",
        "eventmodel_audit.Spied",
        "$JS.API.STREAM.PURGE.EVENTMODEL_AUDIT",
    ] {
        attempt(COMMAND, json!({}), Some(reply));
    }
    if !may_command {
        attempt(COMMAND, json!({"data": {"room": {"id": 99}}}), None);
    }
    attempts
}

/// Tries all of it, and looks what has changed.
async fn exceeded(
    hotel: &Hotel,
    (user, question): (&str, &str),
    expected: &[Changed],
) -> BTreeSet<Changed> {
    hotel.app.settled().await.unwrap();
    let client = hotel.own(user).await;
    // What is asked in vain by others is in the trail: that comes first.
    client
        .request(question.to_owned(), "{}".into())
        .await
        .unwrap();
    let before = settled(hotel).await;
    for (subject, body, reply) in attempts(question == COMMAND) {
        let sent = match reply {
            None => client.publish(subject, body.into()).await,
            Some(reply) => client.publish_with_reply(subject, reply, body.into()).await,
        };
        sent.unwrap();
    }
    // What was sent before it was done, or refused.
    client
        .request(question.to_owned(), "{}".into())
        .await
        .unwrap();
    let expected: BTreeSet<_> = expected.iter().copied().collect();
    let end = Instant::now() + PATIENCE;
    loop {
        let changed = Seen::now(hotel).await.changed(&before);
        if changed.is_superset(&expected) || Instant::now() > end {
            return changed;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is there when nothing changes any more by itself.
async fn settled(hotel: &Hotel) -> Seen {
    let mut last = Seen::now(hotel).await;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = Seen::now(hotel).await;
        if now == last {
            return now;
        }
        last = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_role_can_write_a_log_move_a_consumer_or_change_a_stream() {
    let hotel = Hotel::open(&parts().0).await;
    for role in [READER, VIEWS, DESK] {
        let changed = exceeded(&hotel, role, &[]).await;
        assert_eq!(changed, BTreeSet::new(), "{}", role.0);
    }
    hotel.close().await;
}

/// The file with something else in it.
fn with(changes: &[(&str, &str)]) -> String {
    let mut text = parts().0;
    for (from, to) in changes {
        assert!(text.contains(from), "the file does not say `{from}`");
        text = text.replace(from, to);
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_wildcard_for_the_api_of_jetstream_a_reader_can_do_all_of_it() {
    let text = with(&[
        ("$JS.API.STREAM.INFO.>", "$JS.API.>"),
        ("hotel.API.STREAM.INFO.>", "hotel.API.>"),
    ]);
    let hotel = Hotel::open(&text).await;
    // A consumer that delivers into the log does so when the server is started next.
    let all = [Changed::Trail, Changed::Streams, Changed::Consumers];
    let changed = exceeded(&hotel, READER, &all).await;
    assert!(all.iter().all(|one| changed.contains(one)), "{changed:?}");
}

/// What no permission closes: the server does not ask who may publish to the subject at which he wants an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_account_of_the_log_a_reader_can_write_to_it_by_asking() {
    let owner = "user: hotel, password: \"change me\" }";
    let neighbour = "user: hotel, password: \"change me\" }
      {
        user: reader, password: \"secret\"
        permissions { publish: \"$JS.API.STREAM.INFO.hotel\", subscribe: \"_INBOX_reader.>\" }
      }";
    let text = with(&[("user: reader,", "user: outside,"), (owner, neighbour)]);
    let hotel = Hotel::open(&text).await;
    let role = ("reader", "$JS.API.STREAM.INFO.hotel");
    let changed = exceeded(&hotel, role, &[Changed::Log]).await;
    assert!(changed.contains(&Changed::Log), "{changed:?}");
}

/// How many answers to `desk` the other one can read, whatever he subscribes to.
async fn spied(hotel: &Hotel, desk: &Client) -> usize {
    let spy = hotel.own(WEBSITE.0).await;
    let mut heard: Vec<Subscriber> = Vec::new();
    for subject in [
        "_INBOX.>",
        "_INBOX_desk.>",
        "_INBOX_hotel.>",
        "hotel-booking.>",
        "*.>",
        ">",
    ] {
        heard.push(spy.subscribe(subject).await.unwrap());
    }
    spy.request(COMMAND, "{}".into()).await.unwrap();
    let body = json!({"data": {"room": {"id": 7}}}).to_string();
    let reply = desk.request(COMMAND, body.into()).await.unwrap();
    assert!(String::from_utf8_lossy(&reply.payload).contains("RoomCreated"));
    // All that the server had for it comes before this.
    spy.request(COMMAND, "{}".into()).await.unwrap();
    let mut count = 0;
    for subscriber in &mut heard {
        while let Some(Some(message)) = subscriber.next().now_or_never() {
            let text = String::from_utf8_lossy(&message.payload);
            count += usize::from(text.contains("RoomCreated"));
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_the_answers_to_another_one() {
    let hotel = Hotel::open(&parts().0).await;
    let desk = hotel.own("desk").await;
    assert_eq!(spied(&hotel, &desk).await, 0);
    hotel.close().await;

    let text = with(&[
        ("_INBOX_desk.>", "_INBOX.>"),
        (
            "\"_INBOX_website.>\"",
            "[\"_INBOX.>\", \"_INBOX_website.>\"]",
        ),
    ]);
    let hotel = Hotel::open(&text).await;
    let desk = hotel.client("desk", "_INBOX").await;
    assert!(spied(&hotel, &desk).await > 0);
}

/// A consumer of `hotel` itself, as a pull consumer that an operator makes: who may only pull from it needs no right to
/// create one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_with_automations_needs_no_right_to_create_consumers() {
    let server = Server::start().await.unwrap();
    let without = || crate::builder().without_consumers();
    let store = without().connect(server.url()).await.unwrap();
    let error = hotel_booking().start(store).await.unwrap_err().to_string();
    let add = format!("nats consumer add hotel {BOT} --pull");
    assert!(error.contains(&add), "{error}");
    let context = jetstream::new(
        crate::builder()
            .connect(server.url())
            .await
            .unwrap()
            .client()
            .clone(),
    );
    let stream = context.get_stream("hotel").await.unwrap();
    let config = pull::Config {
        durable_name: Some(BOT.into()),
        ack_wait: Duration::from_secs(10),
        max_ack_pending: 1_000,
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.unwrap();
    let store = without().connect(server.url()).await.unwrap();
    let app = hotel_booking().start(store).await.unwrap();
    let _ = app.execute(CreateRoom { room: room(1) }).await.unwrap();
    let (client, date) = (Guest { id: 1 }, date(2022, 12, 12));
    let book = BookRoom {
        room: room(1),
        client,
        date,
    };
    let _ = app.execute(book).await.unwrap();
    app.settled().await.unwrap();
    assert!(app.parked().is_empty());
    let events: Vec<_> = app.events(EventQuery::new()).try_collect().await.unwrap();
    // The room, the booking, and the cleaning that the automation has scheduled.
    assert_eq!(events.len(), 3, "{events:?}");
    app.shutdown().await.unwrap();
}
