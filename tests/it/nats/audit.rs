//! The audit trail as a JetStream stream.

use std::time::Duration;

use eventmodel::AuditQuery;
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::Server;

use crate::bank::{bank, deposit};

#[tokio::test]
async fn the_trail_outlives_the_process_and_is_sent_before_it_ends() {
    const COMMANDS: usize = 600;
    let server = Server::start().await.unwrap();
    let store = NatsStore::connect(server.url()).await.unwrap();
    let app = bank().start(store.clone()).await.unwrap();
    for _ in 0..COMMANDS {
        let _ = app.execute(deposit("ann", 1)).await.unwrap();
    }
    app.shutdown().await.unwrap();
    store.close().await.unwrap();
    let app = bank().start(NatsStore::connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let all = app.audit(&AuditQuery::new()).await.unwrap();
    assert_eq!(all.len(), COMMANDS);
    assert!(
        all.is_sorted_by(|a, b| a.time >= b.time),
        "the newest first"
    );
    let some = AuditQuery::new().command("Deposit").limit(300);
    assert_eq!(app.audit(&some).await.unwrap(), all[..300]);
}

#[tokio::test]
async fn commands_do_not_depend_on_the_trail() {
    let server = Server::start().await.unwrap();
    let store = NatsStore::builder().audit_max_age(Duration::from_secs(3600));
    let first = store.connect(server.url()).await.unwrap();
    let app = bank().start(first).await.unwrap();
    let _ = app.execute(deposit("ann", 1)).await.unwrap();
    app.shutdown().await.unwrap();
    // Another age: the trail of this one is refused, the commands are not.
    let app = bank().start(NatsStore::connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    app.shutdown().await.unwrap();
    let error = app.audit(&AuditQuery::new()).await.unwrap_err().to_string();
    assert!(
        error.contains("nats stream edit EVENTMODEL_AUDIT --max-age"),
        "{error}"
    );

    let without = NatsStore::builder().without_audit();
    let app = bank().start(without.connect(server.url()).await.unwrap());
    let app = app.await.unwrap();
    let _ = app.execute(deposit("ann", 3)).await.unwrap();
    app.shutdown().await.unwrap();
    assert!(app.audit(&AuditQuery::new()).await.unwrap().is_empty());
}
