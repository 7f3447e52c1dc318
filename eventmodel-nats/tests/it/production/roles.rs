//! What an account must be allowed to do for each role of a program that finds everything set up: the lists of
//! docs/jetstream.md suffice, and what is missing of them is named.

use std::time::Duration;

use crate::builder;
use eventmodel::AuditQuery;
use eventmodel_nats::async_nats::Request;
use eventmodel_nats::{ConnectionEvent, KvViews, NatsCommands, NatsStore};
use eventmodel_nats_harness::Server;
use futures_util::{StreamExt, stream};
use hotel_booking::command::{BookRoom, CreateRoom};
use hotel_booking::hotel_booking;
use hotel_booking::model::booking::Booking;
use hotel_booking::model::{Client, Room};
use hotel_booking::projection::{Availability, CleaningSchedule};
use jiff::civil::date;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// Servers at the same time.
const AT_ONCE: usize = 4;

const PUBLISH: &str = "publish";
const SUBSCRIBE: &str = "subscribe";

type Permission = (&'static str, &'static str);
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The documentation itself: its tables name each of these.
const DOCUMENTED: &str = include_str!("../../../../docs/jetstream.md");

const STORE: &[Permission] = &[
    (PUBLISH, "admin.*"),
    (PUBLISH, "booking.*.*"),
    (PUBLISH, "cleanup.*.*"),
    (PUBLISH, "$JS.API.STREAM.INFO.hotel"),
    (PUBLISH, "$JS.API.DIRECT.GET.hotel"),
    (PUBLISH, "$JS.API.DIRECT.GET.hotel.>"),
    (PUBLISH, "$JS.API.STREAM.MSG.GET.hotel"),
    (SUBSCRIBE, "_INBOX_hotel.>"),
];

/// Needed, but not by every command: eventmodel-nats/tests/it/traps/permissions.rs needs them.
const STORE_TOO: &[Permission] = &[(PUBLISH, "eventmodel.hotel.guard")];

const VIEWS: &[Permission] = &[
    (PUBLISH, "$KV.hotel-booking_Availability_v1.>"),
    (
        PUBLISH,
        "$JS.API.STREAM.INFO.KV_hotel-booking_Availability_v1",
    ),
    (
        PUBLISH,
        "$JS.API.STREAM.MSG.GET.KV_hotel-booking_Availability_v1",
    ),
    (
        PUBLISH,
        "$JS.API.DIRECT.GET.KV_hotel-booking_Availability_v1",
    ),
    (PUBLISH, "$JS.API.STREAM.INFO.KV_eventmodel_views"),
    (PUBLISH, "$JS.API.STREAM.MSG.GET.KV_eventmodel_views"),
];

/// As those of the other view; and for the first process that hosts a version.
const VIEWS_TOO: &[Permission] = &[
    (PUBLISH, "$KV.hotel-booking_CleaningSchedule_v1.>"),
    (
        PUBLISH,
        "$JS.API.STREAM.INFO.KV_hotel-booking_CleaningSchedule_v1",
    ),
    (
        PUBLISH,
        "$JS.API.STREAM.MSG.GET.KV_hotel-booking_CleaningSchedule_v1",
    ),
    (PUBLISH, "$KV.eventmodel_views.>"),
];

const AUTOMATIONS: &[Permission] = &[
    (
        PUBLISH,
        "$JS.API.CONSUMER.INFO.hotel.hotel-booking_CleaningBot",
    ),
    (
        PUBLISH,
        "$JS.API.CONSUMER.MSG.NEXT.hotel.hotel-booking_CleaningBot",
    ),
    (PUBLISH, "$JS.ACK.hotel.hotel-booking_CleaningBot.>"),
    (PUBLISH, "eventmodel.hotel.done.*"),
    (SUBSCRIBE, "eventmodel.hotel.done.*"),
    (PUBLISH, "$JS.API.STREAM.INFO.KV_hotel-parked"),
    (PUBLISH, "$JS.API.STREAM.MSG.GET.KV_hotel-parked"),
];

/// Only what cannot be handled is set aside.
const AUTOMATIONS_TOO: &[Permission] = &[(PUBLISH, "$KV.hotel-parked.>")];

const AUDIT: &[Permission] = &[
    (PUBLISH, "eventmodel_audit.*"),
    (PUBLISH, "$JS.API.STREAM.INFO.EVENTMODEL_AUDIT"),
    (PUBLISH, "$JS.API.DIRECT.GET.EVENTMODEL_AUDIT"),
    (PUBLISH, "$JS.API.STREAM.MSG.GET.EVENTMODEL_AUDIT"),
];

const COMMANDS: &[Permission] = &[
    (SUBSCRIBE, "hotel-booking.command.*"),
    (SUBSCRIBE, "$SRV.>"),
    (PUBLISH, "$SRV.PING.hotel-booking.>"),
];

fn needed() -> Vec<Permission> {
    [STORE, VIEWS, AUTOMATIONS, AUDIT, COMMANDS].concat()
}

fn all() -> Vec<Permission> {
    let too = [STORE_TOO, VIEWS_TOO, AUTOMATIONS_TOO].concat();
    [needed(), too].concat()
}

/// A server with everything set up by a user who may do all, and a user who may do this.
async fn server(permissions: &[Permission]) -> (Server, NatsStore) {
    // An acknowledgement is a response, too: it is allowed by either.
    let responses = permissions
        .iter()
        .any(|(_, subject)| subject.starts_with("$JS.ACK."));
    let of = |which: &str| {
        let subjects = permissions.iter().filter(|(kind, _)| *kind == which);
        let quoted: Vec<_> = subjects
            .map(|(_, subject)| format!("\"{subject}\""))
            .collect();
        quoted.join(", ")
    };
    let (publish, subscribe) = (of(PUBLISH), of(SUBSCRIBE));
    let server = Server::builder().config(&format!(
        "authorization {{ users: [
  {{ user: admin, password: admin }}
  {{ user: app, password: app, permissions: {{
    publish: [{publish}], subscribe: [{subscribe}], allow_responses: {responses}
  }} }}
] }}"
    ));
    let server = server.start().await.unwrap();
    let admin = builder()
        .user_and_password("admin", "admin")
        .views(KvViews::new());
    let admin = admin.connect(server.url()).await.unwrap();
    timeout(PATIENCE, use_all(&admin, &admin))
        .await
        .unwrap()
        .unwrap();
    (server, admin)
}

async fn connect(server: &Server) -> NatsStore {
    let app = builder()
        .user_and_password("app", "app")
        .inbox_prefix("_INBOX_hotel")
        .timeout(Duration::from_secs(1))
        .views(KvViews::new())
        .without_setup()
        .without_consumers();
    app.connect(server.url()).await.unwrap()
}

/// Everything that a program does, with somebody who sends it a command; the first thing that fails.
async fn use_all(store: &NatsStore, other: &NatsStore) -> Result<(), Failed> {
    let app = hotel_booking().start(store.clone()).await?;
    let room = Room {
        id: fastrand::u32(..),
    };
    let (client, date) = (Client { id: 1 }, date(2022, 12, 12));
    let _ = app.execute(CreateRoom { room }).await?;
    let receipt = app.execute(BookRoom { room, client, date }).await?;
    let view = app.view::<Availability>().after(receipt.position);
    view.get(&Booking { room, date }).await?;
    view.list().await?;
    view.watch_all().next().await.ok_or("the view ended")??;
    app.settled().await?;
    let schedule = app.view::<CleaningSchedule>().list().await?;
    assert!(!schedule.is_empty());
    app.audit(&AuditQuery::new()).await?;
    let commands = NatsCommands::new(app.clone()).serve(store).await?;
    let body = format!(r#"{{"data": {{"room": {{"id": {}}}}}}}"#, fastrand::u32(..));
    let request = Request::new().payload(body.into());
    let subject = "hotel-booking.command.create-room";
    let reply = other.client().send_request(subject, request).await?;
    let reply = String::from_utf8_lossy(&reply.payload).into_owned();
    assert!(reply.contains("RoomCreated"), "{reply}");
    commands.stop().await?;
    app.shutdown().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_needs_no_more_permissions_than_are_listed_for_its_roles() {
    for (_, subject) in all() {
        // The example of the documentation has other streams.
        let is_stream = ["admin.*", "cleanup.*.*"].contains(&subject);
        let general = subject
            .replace("hotel-booking_Availability_v1", "<bucket>")
            .replace("hotel-booking_CleaningSchedule_v1", "<bucket>")
            .replace("_CleaningBot", "_<automation>");
        let is_said = DOCUMENTED.contains(&format!("`{general}`"));
        assert!(is_stream || is_said, "docs/jetstream.md lacks `{general}`");
    }
    let (server, admin) = server(&all()).await;
    let store = connect(&server).await;
    let mut events = store.connection_events();
    timeout(PATIENCE, use_all(&store, &admin))
        .await
        .unwrap()
        .unwrap();
    store.close().await.unwrap();
    while let Some(event) = timeout(PATIENCE, events.next()).await.unwrap() {
        let is_denied = matches!(event, ConnectionEvent::PermissionDenied { .. });
        assert!(!is_denied, "{event:?}");
        if event == ConnectionEvent::Closed {
            break;
        }
    }
}

/// What the program is told when it lacks one of its permissions.
async fn without(missing: Permission) {
    let mut rest = all();
    rest.retain(|permission| *permission != missing);
    let (server, admin) = server(&rest).await;
    let store = connect(&server).await;
    let mut events = store.connection_events();
    let denied = async {
        loop {
            match events.next().await {
                Some(ConnectionEvent::PermissionDenied { message }) => return message,
                Some(_) => {}
                None => panic!("the events ended"),
            }
        }
    };
    // Some parts try again for ever: then only the event tells.
    let (denied, used) = tokio::join!(
        timeout(PATIENCE, denied),
        timeout(Duration::from_secs(8), use_all(&store, &admin)),
    );
    let (_, subject) = missing;
    let denied = denied.unwrap_or_else(|_| panic!("`{subject}` is not needed"));
    let named = subject.trim_end_matches(['>', '*', '.']).to_lowercase();
    assert!(
        denied.to_lowercase().contains(&named),
        "{subject}: {denied}"
    );
    if let Ok(Err(error)) = used {
        let text = error.to_string().to_lowercase();
        // A view that cannot be fed says where it is, and the sender of a command that nobody takes it.
        let does_not_know = ["did not reach", "no responders", "the audit trail cannot"];
        let says = text.contains(&named) || does_not_know.iter().any(|other| text.contains(other));
        assert!(says, "{subject}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_permission_of_a_role_is_needed_and_named_when_it_is_missing() {
    let each = stream::iter(needed()).map(without);
    let each = each.buffer_unordered(AT_ONCE);
    each.collect::<Vec<()>>().await;
}
