//! What stands in a log and is no event: others than the store can write there.

use eventmodel_nats::async_nats::{Client, HeaderMap};
use eventmodel_nats_harness::Server;
use serde_json::Value;
use support::bank::deposit;
use support::until;

use super::{Process, Taker, async_nats_of};

/// Writes what is no event on the subject of an account; gives its position.
async fn write(client: &Client, account: &str, headers: HeaderMap) -> u64 {
    publish(client, format!("account.{account}"), headers).await
}

async fn publish(client: &Client, subject: String, headers: HeaderMap) -> u64 {
    let written = client
        .request_with_headers(subject, headers, "{}".into())
        .await;
    let ack: Value = serde_json::from_slice(&written.unwrap().payload).unwrap();
    ack["seq"].as_u64().unwrap()
}

fn without_an_envelope() -> HeaderMap {
    HeaderMap::new()
}

/// As if it stood behind an event that is not there.
fn out_of_place() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Eventmodel-Behind", "1000000");
    headers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_cannot_be_read_parks_its_instance_and_no_other() {
    let server = Server::start().await.unwrap();
    let client = async_nats_of(&server).await;
    for headers in [without_an_envelope(), out_of_place()] {
        let taker = Taker::default();
        let process = Process::start(&server.url(), &taker).await;
        let app = &process.app;
        let bob = format!("bob-{}", headers.len());
        let ann = format!("ann-{}", headers.len());
        let _ = app.execute(deposit(&bob, 1)).await.unwrap();
        // What the automation has to do there is done. Of two rounds, the views stop in the first.
        let _ = app.settled().await;
        let position = write(&client, &bob, headers.clone()).await;
        write(&client, &bob, headers).await;
        for cents in [1, 2] {
            let _ = app.execute(deposit(&ann, cents)).await.unwrap();
        }
        let subject = format!("account.{bob}");
        let of_bob = || {
            let parked = app.parked().into_iter();
            parked.into_iter().find(|p| p.subject.as_str() == subject)
        };
        until("it is parked, and the others go on", async || {
            taker.seen_of(&ann) == [1, 2] && of_bob().is_some_and(|parked| parked.waiting == 1)
        })
        .await;
        assert_eq!(taker.seen_of(&bob), [1]);
        let parked = of_bob().unwrap();
        assert_eq!((parked.position.get(), parked.attempts), (position, 0));
        for part in ["cannot be read", "envelope", &position.to_string()] {
            assert!(parked.error.contains(part), "{part} is not in: {parked:?}");
        }
        assert!(app.automations().iter().all(|a| a.stopped.is_none()));

        // Nobody decides on an instance that has it, and another try does not skip it.
        let refused = app.execute(deposit(&bob, 2)).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be read"), "{refused}");
        app.retry(&parked).unwrap();
        let _ = app.execute(deposit(&ann, 3)).await.unwrap();
        until("it goes on, and that is parked still", async || {
            let is_parked = of_bob().is_some_and(|again| {
                (again.position, again.waiting) == (parked.position, parked.waiting)
            });
            taker.seen_of(&ann) == [1, 2, 3] && is_parked
        })
        .await;
        let other = Process::start(&server.url(), &taker).await;
        let mut found = other.app.parked().into_iter();
        assert!(found.any(|again| again.position == parked.position));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_written_by_hand_on_the_subject_of_guards_stops_nothing() {
    let server = Server::start().await.unwrap();
    let client = async_nats_of(&server).await;
    let taker = Taker::default();
    let process = Process::start(&server.url(), &taker).await;
    let app = &process.app;
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    for headers in [without_an_envelope(), out_of_place()] {
        publish(&client, "eventmodel.bank.guard".to_owned(), headers).await;
        // The log ends with it.
        app.settled().await.unwrap();
        let late = Process::start(&server.url(), &Taker::default()).await;
        late.app.settled().await.unwrap();
    }
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    app.settled().await.unwrap();
    until("the automation has seen both", async || {
        taker.seen_of("ann") == [1, 2]
    })
    .await;
    assert!(app.parked().is_empty(), "{:?}", app.parked());
    let unread = app.view_at("balance").unwrap().status().unread;
    assert_eq!(unread, 2);
}
