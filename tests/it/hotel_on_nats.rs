//! The hotel with its books in JetStream: the same stories, and what only several processes can show.

use eventmodel::AppOptions;
use eventmodel_nats::{NatsStore, NatsStoreBuilder};
use eventmodel_nats_harness::Server;
use support::client::{self, Answer};
use support::hotel::{BOOK, CHECK_IN, CLEAN, data};
use tokio::task::spawn_blocking;

use crate::hotel::program::{Running, run};
use crate::hotel::server::Hotel;
use crate::hotel::stories::hotel_stories;

/// For a store that also works with the defective servers of `cargo xtask campaign`.
pub(crate) fn builder() -> NatsStoreBuilder {
    NatsStore::builder().accept_defect("8376")
}

async fn open(server: &Server) -> Hotel {
    let store = builder().connect(server.url()).await.unwrap();
    Hotel::open_on(store, AppOptions::new()).await
}

hotel_stories!(async || {
    let server = Server::start().await.unwrap();
    (open(&server).await, server)
});

#[tokio::test]
async fn a_hotel_that_was_closed_opens_with_its_books() {
    let server = Server::start().await.unwrap();
    let hotel = open(&server).await;
    assert_eq!(hotel.put("book-room", BOOK).await.status, 201);
    hotel.close().await;
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    let hotel = open(&server).await;
    let refused = hotel.put("book-room", BOOK).await;
    assert_eq!(refused.body["code"], "already-booked", "{refused:?}");
    assert_eq!(hotel.put("cleanup", CLEAN).await.status, 201);
    assert_eq!(hotel.put("checkin", CHECK_IN).await.status, 201);
    hotel.close().await;
}

/// Sends a command under an id until its outcome is known.
async fn until_known(hotel: &Running, command: &str, body: &str, id: &str) -> Answer {
    let key = format!("Idempotency-Key: \"{id}\"\r\n");
    for _ in 0..100 {
        let answer = client::put(hotel.address, command, body, &key).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(answer.header("retry-after").parse::<u32>().is_ok());
    }
    panic!("`{command}` is not answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_server_are_one_hotel_also_when_the_server_was_away() {
    let server = Server::start().await.unwrap();
    let url = server.url();
    let start = |by_argument: bool| {
        let url = url.clone();
        spawn_blocking(move || {
            if by_argument {
                Running::start(&["--store", &url], &[])
            } else {
                Running::start(&[], &[("NATS_URL", &url)])
            }
        })
    };
    let (one, other) = tokio::join!(start(true), start(false));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.welcome.contains("in NATS JetStream"), "{}", one.welcome);
    assert_eq!(
        client::put(one.address, "book-room", BOOK, "").await.status,
        201
    );
    let refused = client::put(other.address, "book-room", BOOK, "").await;
    assert_eq!(refused.body["code"], "already-booked", "{refused:?}");
    let cleaned = client::put(other.address, "cleanup", CLEAN, "").await;
    assert_eq!(cleaned.status, 201, "{cleaned:?}");
    let position = &cleaned.body["position"];
    let day = format!("/query/availability/1/2022-12-12?after={position}");
    let day = client::get(one.address, &day).await;
    assert_eq!(day.body["value"]["status"], "available", "{day:?}");

    server.stop().await.unwrap();
    let away = client::put(one.address, "checkin", CHECK_IN, "").await;
    assert_eq!(away.status, 503, "{away:?}");
    server.restart().await.unwrap();
    let checked_in = until_known(&one, "checkin", CHECK_IN, "after-the-outage").await;
    // The request that was not answered may have been the one that let the guest in.
    let in_by_then = checked_in.body["code"] == "already-checked-in";
    assert!(
        checked_in.status == 201 || in_by_then,
        "{checked_in:?} after {away:?}"
    );
    let booked = until_known(
        &other,
        "book-room",
        &data(2, Some(1), "2022-12-12"),
        "room-2",
    )
    .await;
    assert_eq!(booked.status, 201, "{booked:?}");
    for program in [one, other] {
        let (status, said) = spawn_blocking(move || program.close()).await.unwrap();
        assert!(status.success() && said.contains("Closed"), "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_servers_is_said_in_a_sentence() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("nats://me:secret@{}", free.local_addr().unwrap());
    drop(free);
    let wrong = [
        (vec!["--store", "http://localhost"], 2, "nats://localhost"),
        (vec!["--store", "nats://"], 1, "no connection to"),
        (vec!["--store", "nats://a b"], 1, "is not the address"),
        (vec!["--store", &nobody], 1, "`nats://127.0.0.1:"),
        (vec!["--replicas", "3"], 1, "--store"),
        (vec!["--replicas", "0"], 2, "1..=5"),
    ];
    for (args, status, says) in wrong {
        let (output, stdout, stderr) = run(&[&["--port", "0"], &args[..]].concat());
        assert_eq!(output.status.code(), Some(status), "{stdout}{stderr}");
        assert!(stderr.contains(says), "{args:?}: {stderr}");
        assert!(
            !stderr.contains("panicked")
                && !stderr.contains("secret")
                && stderr.lines().count() < 8,
            "{stderr}"
        );
    }
}

#[tokio::test]
async fn three_copies_need_three_servers() {
    let server = Server::start().await.unwrap();
    let url = server.url();
    let (output, _, stderr) = run(&["--port", "0", "--store", &url, "--replicas", "3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("replicas"), "{stderr}");
}
