//! Turns that cannot be taken at once, because the connection takes nothing any more.

use std::time::Duration;

use eventmodel_nats_harness::Server;
use support::bank::{bank, deposit};
use support::until;
use tokio::time::timeout;

use super::process::Process;
use super::{BOUND, connect};

/// Sends until the connection takes no more.
async fn fill(process: &Process) {
    let client = process.store.client();
    let filling = async {
        let some = Duration::from_secs(1);
        while timeout(some, client.publish("nowhere", vec![0; 16_384].into()))
            .await
            .is_ok()
        {}
    };
    timeout(BOUND, filling).await.expect("it is full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_could_not_be_acknowledged_is_acknowledged_later_and_what_waits_for_it_has_its_turn() {
    let server = Server::start().await.unwrap();
    let writer = bank().start(connect(&server.url()).await).await.unwrap();
    let process = Process::start(&server).await;
    for cents in [1, 2] {
        let _ = writer.execute(deposit("ann", cents)).await.unwrap();
    }
    let first = process.next().await;
    process.proxy.block();
    fill(&process).await;
    process.inbox.done(&first).await.unwrap();
    // It has tried, and says so.
    until("it says so", async || process.inbox.trouble().is_some()).await;
    let error = process.inbox.trouble().unwrap().error;
    assert!(error.is_retryable(), "{error}");
    process.proxy.unblock();
    let second = process.next().await;
    assert!(second.position() > first.position());
    process.inbox.done(&second).await.unwrap();
    process.is_done(second.position()).await;
    until("it goes on", async || process.inbox.trouble().is_none()).await;
}
