//! A JetStream stream that has lost its start, because an operator has set a limit: the error tells the ways out, and
//! each of them leads out.

use std::time::Duration;

use eventmodel::{App, ExecuteError, StartError, StoreError};
use eventmodel_nats::NatsStoreBuilder;
use eventmodel_nats::async_nats::jetstream::{self, stream::DiscardPolicy};
use eventmodel_nats_harness::Server;
use support::bank::{bank, deposit};
use tokio::time::timeout;

use super::bench::BOUND;
use super::lost_end::Backup;

fn builder() -> NatsStoreBuilder {
    crate::builder().timeout(Duration::from_secs(1))
}

/// Another process.
async fn start(server: &Server, builder: NatsStoreBuilder) -> Result<App, StartError> {
    let store = builder.connect(server.url()).await.unwrap();
    bank().start(store).await
}

async fn set_limit(context: &jetstream::Context, discard: DiscardPolicy, max_messages: i64) {
    let mut stream = context.get_stream("bank").await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.discard = discard;
    config.max_messages = max_messages;
    context.update_stream(config).await.unwrap();
}

/// The error, with all that an operator needs.
fn told(error: &StoreError) -> String {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Drift { .. }), "{text}");
    assert!(!error.is_retryable(), "{text}");
    for way in [
        "`nats stream edit bank --discard new --max-age 0 --max-msgs=-1 --max-msgs-per-subject=-1`",
        "`nats stream restore <folder>`",
        "`NatsStoreBuilder::accept_lost_events`",
        "`nats stream rm bank`",
    ] {
        assert!(text.contains(way), "{way}: {text}");
    }
    text
}

async fn told_by_a_command(app: &App, account: &str) -> String {
    match timeout(BOUND, app.execute(deposit(account, 1)))
        .await
        .unwrap()
    {
        Err(ExecuteError::Store(error)) => told(&error),
        other => panic!("{account}: {other:?}"),
    }
}

/// A server on which the accounts `a`, `b`, `a`, `b`, `c`, `a` were written, and only the last two events are left: `a`
/// has lost some of its events, `b` all, and `c` none. With a backup from before.
async fn cut() -> (Server, App, jetstream::Context, Backup) {
    let server = Server::start().await.unwrap();
    let store = builder().connect(server.url()).await.unwrap();
    let context = jetstream::new(store.client().clone());
    let app = bank().start(store.clone()).await.unwrap();
    for account in ["a", "b", "a", "b", "c", "a"] {
        let _ = app.execute(deposit(account, 1)).await.unwrap();
    }
    let backup = Backup::of(store.client(), "bank").await;
    set_limit(&context, DiscardPolicy::Old, 2).await;
    (server, app, context, backup)
}

#[tokio::test]
async fn a_process_that_meets_what_is_gone_tells_the_ways_out() {
    let (_server, app, _, _) = cut().await;
    let text = told_by_a_command(&app, "b").await;
    assert!(text.contains("begins at 5"), "{text}");
}

#[tokio::test]
async fn a_log_that_lost_its_start_is_not_opened_before_it_is_restored() {
    let (server, app, context, backup) = cut().await;
    app.shutdown().await.unwrap();
    // First what goes on removing events.
    let Err(StartError::Store(StoreError::Drift { reason, .. })) = start(&server, builder()).await
    else {
        panic!("it has a limit");
    };
    assert!(reason.contains("`discard` is old"), "{reason}");
    set_limit(&context, DiscardPolicy::New, -1).await;
    let Err(StartError::Store(error)) = start(&server, builder()).await else {
        panic!("it has lost events");
    };
    let text = told(&error);
    assert!(text.contains("begins at position 5"), "{text}");
    backup.restore(&context.client(), "bank").await;
    let app = start(&server, builder()).await.unwrap();
    for (account, position) in [("a", 7), ("b", 8), ("c", 9)] {
        let receipt = app.execute(deposit(account, 1)).await.unwrap();
        assert_eq!(receipt.position.get(), position);
    }
}

#[tokio::test]
async fn one_may_go_on_with_what_is_left() {
    let (server, app, context, _) = cut().await;
    app.shutdown().await.unwrap();
    set_limit(&context, DiscardPolicy::New, -1).await;
    let app = start(&server, builder().accept_lost_events())
        .await
        .unwrap();
    let text = told_by_a_command(&app, "a").await;
    assert!(text.contains("position 3 of `account.a` is gone"), "{text}");
    for (account, position) in [("b", 7), ("c", 8)] {
        let receipt = app.execute(deposit(account, 1)).await.unwrap();
        assert_eq!(receipt.position.get(), position);
    }
}

#[tokio::test]
async fn one_may_begin_anew() {
    let (server, app, context, _) = cut().await;
    app.shutdown().await.unwrap();
    context.delete_stream("bank").await.unwrap();
    let app = start(&server, builder()).await.unwrap();
    let receipt = app.execute(deposit("a", 1)).await.unwrap();
    assert_eq!(receipt.position.get(), 1);
}

/// A limit for each subject removes from the middle of the log, too: no command is decided on what is left.
#[tokio::test]
async fn an_instance_that_lost_its_start_takes_no_command() {
    let (server, app, context, backup) = cut().await;
    backup.restore(&context.client(), "bank").await;
    let mut config = context
        .get_stream("bank")
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap()
        .config;
    config.discard = DiscardPolicy::Old;
    config.max_messages_per_subject = 1;
    context.update_stream(config.clone()).await.unwrap();
    config.discard = DiscardPolicy::New;
    config.max_messages_per_subject = -1;
    context.update_stream(config).await.unwrap();
    let _ = timeout(BOUND, app.shutdown()).await.unwrap();
    let app = start(&server, builder().accept_lost_events())
        .await
        .unwrap();
    for (account, gone) in [("a", 3), ("b", 2)] {
        let text = told_by_a_command(&app, account).await;
        let what = format!("position {gone} of `account.{account}` is gone");
        assert!(text.contains(&what), "{text}");
    }
    let receipt = app.execute(deposit("c", 1)).await.unwrap();
    assert_eq!(receipt.position.get(), 7);
}
