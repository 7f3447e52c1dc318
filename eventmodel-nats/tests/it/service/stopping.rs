//! Processes that stop, and commands that take long: every request has an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use eventmodel::MemoryStore;
use eventmodel_nats::{NatsCommands, NotStopped};
use eventmodel_nats_harness::{Direction, Proxy, Server, When};
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use support::hotel::data;
use support::until;
use tokio::task::JoinSet;

use super::{Hotel, async_client, process, send};
use crate::builder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_requests_and_none_is_lost_when_some_stop() {
    let server = Server::start().await.unwrap();
    let (app, staying) = process(&server).await;
    create_rooms(&app, ROOMS).await.unwrap();
    let client = async_client(&server).await;
    let (ended, sent) = (Arc::new(AtomicBool::default()), Arc::new(AtomicU32::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..16 {
        let (client, ended, sent) = (client.clone(), ended.clone(), sent.clone());
        senders.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let n = sent.fetch_add(1, Ordering::Relaxed);
                let night = jiff::civil::date(2000, 1, 1) + jiff::Span::new().days(n / 10);
                let body = data(1 + n % 10, Some(1), &night.to_string());
                let subject = "hotel-booking.command.book-room".to_owned();
                let id = format!("\"book-{n}\"");
                let headers = [("Idempotency-Key", &*id)];
                let reply = send(&client, subject.clone(), &body, &headers).await;
                let reply = reply.unwrap_or_else(|error| panic!("request {n}: {error}"));
                assert_eq!(reply.status, None, "{n}: {reply:?}");
            }
        });
    }
    for _ in 0..5 {
        let (app, leaving) = process(&server).await;
        let before = sent.load(Ordering::Relaxed);
        until("requests are answered", async || {
            sent.load(Ordering::Relaxed) >= before + 100
        })
        .await;
        leaving.stop().await.unwrap();
        let audited = app.audit(&eventmodel::AuditQuery::new()).await.unwrap();
        assert!(audited.len() > 10, "it had its share: {}", audited.len());
        // The others go on writing: there is no end of the log that it could reach.
        let _ = app.shutdown().await;
    }
    ended.store(true, Ordering::Relaxed);
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    staying.stop().await.unwrap();
    let _ = app.shutdown().await;
}

/// A machine that cannot keep up: requests are on their way for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_goes_without_an_answer_when_a_busy_process_stops() {
    let server = Server::start().await.unwrap();
    let app = hotel_booking().start(MemoryStore::new()).await.unwrap();
    let ended = Arc::new(AtomicBool::default());
    let mut busy = Vec::new();
    for _ in 0..4 {
        let ended = ended.clone();
        busy.push(std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        }));
    }
    let served = async || {
        let store = builder().connect(server.url()).await.unwrap();
        NatsCommands::new(app.clone()).serve(&store).await.unwrap()
    };
    let mut serving = served().await;
    let mut senders = JoinSet::new();
    let answered = Arc::new(AtomicU32::new(0));
    for _ in 0..64 {
        let (client, ended, answered) =
            (async_client(&server).await, ended.clone(), answered.clone());
        senders.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let subject = "hotel-booking.command.create-room".to_owned();
                let body = format!(r#"{{"data": {{"room": {{"id": {}}}}}}}"#, fastrand::u32(..));
                let reply = send(&client, subject, &body, &[]).await;
                reply.unwrap_or_else(|error| panic!("a request: {error}"));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in 0..20 {
        let before = answered.load(Ordering::Relaxed);
        until("requests are answered", async || {
            assert!(senders.try_join_next().is_none(), "a request has no answer");
            answered.load(Ordering::Relaxed) >= before + 200
        })
        .await;
        let next = served().await;
        let leaving = std::mem::replace(&mut serving, next);
        leaving.stop().await.unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    senders.join_all().await;
    for thread in busy {
        thread.join().unwrap();
    }
    serving.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_takes_too_long_is_answered_and_goes_on() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let books = builder().connect(proxy.url()).await.unwrap();
    let hotel = Hotel::open_on(books, |c| c.timeout(Duration::from_millis(200))).await;
    let room = r#"{"data": {"room": {"id": 1}}}"#;
    let id = [("Idempotency-Key", "\"room-1\"")];
    // The event is on its way to the books, for as long as the test wants.
    let held = proxy.block_at(Direction::ToServer, When::seen("Nats-Msg-Id"));
    let (reply, ()) = tokio::join!(hotel.send("create-room", room, &id), held.happened());
    assert_eq!(reply.status, Some(503), "{reply:?}");
    assert_eq!(reply.body["code"], "unknown-outcome", "{reply:?}");
    assert_eq!(reply.body["commandId"], "room-1", "{reply:?}");
    assert_eq!(reply.headers.get("Retry-After").unwrap().as_str(), "1");
    proxy.unblock();
    // What was begun is committed, and the id tells.
    let mut again = hotel.send("create-room", room, &id).await;
    while again.status == Some(503) {
        again = hotel.send("create-room", room, &id).await;
    }
    assert_eq!(again.status, None, "{again:?}");
    assert_eq!(again.body["alreadyCommitted"], true, "{again:?}");
    hotel.commands.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_what_is_in_hand_and_says_when_that_takes_too_long() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.url()).await.unwrap();
    let books = builder().connect(proxy.url()).await.unwrap();
    let wait = Duration::from_millis(300);
    let hotel = Hotel::open_on(books, |c| c.drain_within(wait)).await;
    let held = proxy.block_at(Direction::ToServer, When::seen("Nats-Msg-Id"));
    let subject = format!("{}.hotel-booking.command.create-room", hotel.prefix);
    let room = r#"{"data": {"room": {"id": 1}}}"#;
    let client = hotel.client.clone();
    let sent = tokio::spawn(async move { send(&client, subject, room, &[]).await });
    held.happened().await;
    let stopped = hotel.commands.stop().await.unwrap_err();
    assert!(matches!(stopped, NotStopped::TimedOut { .. }), "{stopped}");
    // It goes on, and is answered as long as the process lives.
    proxy.unblock();
    let reply = sent.await.unwrap().unwrap();
    assert_eq!(reply.status, None, "{reply:?}");
}
