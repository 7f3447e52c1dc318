//! An app settles and stops while others write without end, and share its work.

use std::time::Duration;

use eventmodel_nats_harness::Server;
use support::bank::{bank, deposit};
use support::settling::{BUSY, chain, settles, stops};

use super::connect;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_settles_and_stops_while_others_write_and_take_part_of_its_work() {
    let server = Server::start().await.unwrap();
    let url = server.url();
    let first = chain().start(connect(&url).await).await.unwrap();
    let second = chain().start(connect(&url).await).await.unwrap();
    let writer = bank().start(connect(&url).await).await.unwrap();
    let writing = tokio::spawn(async move {
        loop {
            let _ = writer.execute(deposit(BUSY, 1)).await.unwrap();
            // Not faster than automations follow.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for n in 0..10 {
        settles(&first, &format!("account-{n}")).await;
    }
    stops(&first, "one").await;
    settles(&second, "another").await;
    assert!(!writing.is_finished());
    writing.abort();
}
