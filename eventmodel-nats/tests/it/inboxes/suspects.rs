//! Events that may be what ends their processes.

use eventmodel::{App, Position};
use eventmodel_nats_harness::{Direction, Server, When};
use support::bank::{bank, deposit};
use support::until;
use tokio::time::timeout;

use super::process::Process;
use super::{BOUND, connect};

async fn poisoned(server: &Server) -> (App, Position) {
    let writer = bank().start(connect(&server.url()).await).await.unwrap();
    let poison = writer.execute(deposit("ann", 1)).await.unwrap().position;
    (writer, poison)
}

/// So many processes end with it in hand.
async fn ended(server: &Server, poison: Position, times: usize) {
    for _ in 0..times {
        let process = Process::start(server).await;
        assert_eq!(process.next().await.position(), poison);
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_ends_its_process_each_time_is_parked() {
    let server = Server::start().await.unwrap();
    let (_writer, poison) = poisoned(&server).await;
    ended(&server, poison, 6).await;
    let last = Process::start(&server).await;
    until("it is parked", async || !last.parking.list().is_empty()).await;
    let parked = last.parking.list();
    assert_eq!((parked[0].position, parked[0].attempts), (poison, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_whose_note_was_not_answered_does_not_accuse_the_event() {
    let server = Server::start().await.unwrap();
    let (_writer, poison) = poisoned(&server).await;
    ended(&server, poison, 5).await;
    let process = Process::start(&server).await;
    let lost = r#"{"stream":"KV_bank-parked""#;
    let lost = process.proxy.cut_at(Direction::ToClient, When::seen(lost));
    let (event, lost) = tokio::join!(process.next(), timeout(BOUND, lost.happened()));
    lost.expect("the note is stored, and the answer lost");
    assert_eq!(event.position(), poison);
    process.inbox.done(&event).await.unwrap();
    process.is_done(poison).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_late_with_its_note_leaves_the_event_to_the_one_that_was_not() {
    let server = Server::start().await.unwrap();
    let (writer, poison) = poisoned(&server).await;
    ended(&server, poison, 5).await;
    let late = Process::start(&server).await;
    let note = When::seen("HPUB $KV.bank-parked.suspect");
    let held = late.proxy.block_at(Direction::ToServer, note);
    timeout(BOUND, held.happened()).await.expect("it notes it");
    // It is not heard of, so another one gets the event.
    let other = Process::start(&server).await;
    let event = other.next().await;
    assert_eq!(event.position(), poison);
    late.proxy.unblock();
    other.inbox.done(&event).await.unwrap();
    other.is_done(poison).await;
    other.inbox.close().await;
    // Before it takes the next event it has decided what to do with this one.
    let bob = writer.execute(deposit("bob", 1)).await.unwrap().position;
    loop {
        let event = late.next().await;
        late.inbox.done(&event).await.unwrap();
        if event.position() == bob {
            break;
        }
    }
    late.is_done(bob).await;
}
