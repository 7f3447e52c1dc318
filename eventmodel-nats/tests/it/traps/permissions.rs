//! What an account must be allowed to do, and what is said when it is not.

use std::time::Duration;

use eventmodel::Store;
use eventmodel_nats::ConnectionEvent;
use eventmodel_nats_harness::{Server, unique};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::builder;

/// All that a process needs whose logs are set up by another one.
fn permissions(log: &str) -> (Vec<String>, Vec<String>) {
    let publish = [
        // Events, and guards on what is not written.
        format!("{log}.item.*"),
        format!("eventmodel.{log}.guard"),
        // Opening, and looking whether the log is still the same.
        format!("$JS.API.STREAM.INFO.{log}"),
        // Loading: from any replica, and from the leader.
        format!("$JS.API.DIRECT.GET.{log}"),
        format!("$JS.API.DIRECT.GET.{log}.>"),
        format!("$JS.API.STREAM.MSG.GET.{log}"),
        // Reading.
        format!("$JS.API.CONSUMER.CREATE.{log}"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{log}.>"),
    ];
    (publish.to_vec(), vec!["_INBOX_app.>".into()])
}

fn quoted(subjects: &[String]) -> String {
    let quoted: Vec<_> = subjects
        .iter()
        .map(|subject| format!("\"{subject}\""))
        .collect();
    quoted.join(", ")
}

/// A server with a log, and the log as a user sees it who may do this.
async fn limited(log: &str, publish: &[String], subscribe: &[String]) -> (Server, Bench) {
    let (publish, subscribe) = (quoted(publish), quoted(subscribe));
    let server = Server::builder()
        .config(&format!(
            "authorization {{
  users: [
    {{ user: admin, password: admin }}
    {{ user: app, password: app, permissions: {{
      publish: [{publish}]
      subscribe: [{subscribe}]
    }} }}
  ]
}}"
        ))
        .start()
        .await
        .unwrap();
    let admin = builder().user_and_password("admin", "admin");
    let mut bench = Bench {
        store: admin.connect(server.url()).await.unwrap(),
        log: log.into(),
    };
    bench.reopen().await.unwrap();
    let app = builder()
        .user_and_password("app", "app")
        .inbox_prefix("_INBOX_app")
        .timeout(Duration::from_secs(1))
        .without_setup();
    bench.store = app.connect(server.url()).await.unwrap();
    (server, bench)
}

/// Texts of the servers and of the client are not written alike.
fn says(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

async fn denial(events: &mut (impl Stream<Item = ConnectionEvent> + Unpin)) -> String {
    let denied = async {
        loop {
            let event = events.next().await.expect("another event");
            if let ConnectionEvent::PermissionDenied { message } = event {
                return message;
            }
        }
    };
    timeout(BOUND, denied).await.unwrap()
}

/// Why an append gets no answer of a server that hangs.
async fn no_answer(server: &Server, bench: &Bench) -> String {
    server.pause().unwrap();
    let append = bench.append("one", &[(&bench.item("a"), 0)]);
    bench.store.append(append).await.unwrap_err().to_string()
}

/// Everything that a store does; the first thing that fails.
async fn use_all(bench: &Bench) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    bench.reopen().await?;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let one = bench.append("one", &[(&a, 0)]);
    bench.store.append(one.clone()).await?;
    assert!(bench.store.append(one).await?.already_committed);
    bench
        .store
        .append(bench.guarded("two", &[(&a, 1)], &[(&b, 0)]))
        .await?;
    assert_eq!(bench.load(&a, 0, 0).await?.items.len(), 2);
    let mut last = bench.store.revision(&bench.log, &a).await?.get();
    for n in 0..70 {
        let append = bench.append(&format!("c-{n}"), &[(&a, last)]);
        last = bench.store.append(append).await?.events[0].position().get();
    }
    // By its sequences, by its subject, and from the leader.
    assert_eq!(bench.load(&a, 0, last).await?.items.len(), 72);
    assert_eq!(bench.store.last_position(&bench.log).await?.get(), last);
    let mut read = bench
        .store
        .read(bench.read(false).subjects(vec![bench.pattern("item.*")]));
    let mut count = 0;
    while let Some(event) = read.next().await {
        event?;
        count += 1;
    }
    assert_eq!(count, 72);
    Ok(())
}

#[tokio::test]
async fn a_process_needs_no_more_permissions_than_are_listed() {
    let log = unique("trap");
    let (publish, subscribe) = permissions(&log);
    let (_server, bench) = limited(&log, &publish, &subscribe).await;
    let mut events = bench.store.connection_events();
    timeout(BOUND, use_all(&bench)).await.unwrap().unwrap();
    bench.store.close().await.unwrap();
    while let Some(event) = timeout(BOUND, events.next()).await.unwrap() {
        assert!(
            !matches!(event, ConnectionEvent::PermissionDenied { .. }),
            "{event:?}"
        );
        if event == ConnectionEvent::Closed {
            break;
        }
    }
}

#[tokio::test]
async fn each_permission_on_the_list_is_needed_and_named_when_it_is_denied() {
    let log = unique("trap");
    let (publish, subscribe) = permissions(&log);
    for (n, denied) in publish.iter().enumerate() {
        let mut rest = publish.clone();
        rest.remove(n);
        let (_server, bench) = limited(&log, &rest, &subscribe).await;
        let mut events = bench.store.connection_events();
        let result = timeout(BOUND, use_all(&bench)).await.expect("bounded");
        let error = result.expect_err(denied).to_string();
        let named = denied.trim_end_matches(['>', '*', '.']);
        assert!(
            says(&error, "permissions violation") && says(&error, named),
            "without {denied}: {error}"
        );
        let told = denial(&mut events).await;
        assert!(says(&told, named), "{told}");
    }
}

#[tokio::test]
async fn without_the_right_to_its_inbox_a_process_is_told_so() {
    let log = unique("trap");
    let (publish, _) = permissions(&log);
    let (_server, bench) = limited(&log, &publish, &["_INBOX_another.>".into()]).await;
    let error = timeout(BOUND, bench.reopen()).await.unwrap().unwrap_err();
    let error = error.to_string();
    assert!(says(&error, "subscription to \"_inbox_app"), "{error}");
}

/// A denial is the reason of the time-out that follows it, not of every one there will ever be.
#[tokio::test]
async fn a_denial_is_not_told_for_another_subject() {
    let log = unique("trap");
    let (mut publish, subscribe) = permissions(&log);
    publish.retain(|subject| !subject.contains("MSG.GET"));
    let (server, bench) = limited(&log, &publish, &subscribe).await;
    bench.reopen().await.unwrap();
    let denied = bench.store.revision(&bench.log, &bench.item("a")).await;
    let denied = denied.unwrap_err().to_string();
    assert!(says(&denied, "permissions violation"), "{denied}");
    let late = no_answer(&server, &bench).await;
    assert!(!says(&late, "permissions violation"), "{late}");
}

/// A program may subscribe to anything through the client: what it may not is no reason of a request.
#[tokio::test]
async fn a_subscription_that_is_denied_is_not_told_for_a_request() {
    let log = unique("trap");
    let (publish, subscribe) = permissions(&log);
    let (server, bench) = limited(&log, &publish, &subscribe).await;
    bench.reopen().await.unwrap();
    let mut events = bench.store.connection_events();
    let _secret = bench.store.client().subscribe("secret").await.unwrap();
    let denied = denial(&mut events).await;
    assert!(denied.contains("Subscription to \"secret\""), "{denied}");
    let late = no_answer(&server, &bench).await;
    assert!(!says(&late, "permissions violation"), "{late}");
}
