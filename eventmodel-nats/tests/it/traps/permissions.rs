//! What an account must be allowed to do, and what is said when it is not.

use std::time::Duration;

use eventmodel::Store;
use eventmodel_nats::{ConnectionEvent, NatsStore};
use eventmodel_nats_harness::{Server, unique};
use futures_util::StreamExt;
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

/// A server with a user that may do everything, and one that may do this.
async fn server(publish: &[String], subscribe: &[String]) -> Server {
    let (publish, subscribe) = (quoted(publish), quoted(subscribe));
    Server::builder()
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
        .unwrap()
}

async fn admin(server: &Server) -> NatsStore {
    let builder = builder().user_and_password("admin", "admin");
    builder.connect(server.url()).await.unwrap()
}

async fn app(server: &Server) -> NatsStore {
    let builder = builder()
        .user_and_password("app", "app")
        .inbox_prefix("_INBOX_app")
        .timeout(Duration::from_secs(1))
        .without_setup();
    builder.connect(server.url()).await.unwrap()
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
    let server = server(&publish, &subscribe).await;
    Bench {
        store: admin(&server).await,
        log: log.clone().into(),
    }
    .reopen()
    .await
    .unwrap();
    let store = app(&server).await;
    let mut events = store.connection_events();
    let bench = Bench {
        store,
        log: log.into(),
    };
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
        let server = server(&rest, &subscribe).await;
        Bench {
            store: admin(&server).await,
            log: log.clone().into(),
        }
        .reopen()
        .await
        .unwrap();
        let store = app(&server).await;
        let mut events = store.connection_events();
        let bench = Bench {
            store,
            log: log.clone().into(),
        };
        let result = timeout(BOUND, use_all(&bench)).await.expect("bounded");
        let error = result.expect_err(denied).to_string();
        let named = denied.trim_end_matches(['>', '*', '.']);
        let lower = error.to_lowercase();
        assert!(
            lower.contains("permissions violation"),
            "without {denied}: {error}"
        );
        assert!(
            lower.contains(&named.to_lowercase()),
            "without {denied}: {error}"
        );
        let told = timeout(BOUND, async {
            loop {
                match events.next().await {
                    Some(ConnectionEvent::PermissionDenied { message }) => return message,
                    Some(_) => {}
                    None => panic!("the events ended"),
                }
            }
        });
        let told = told.await.unwrap();
        assert!(
            told.to_lowercase().contains(&named.to_lowercase()),
            "{told}"
        );
    }
}

#[tokio::test]
async fn without_the_right_to_its_inbox_a_process_is_told_so() {
    let log = unique("trap");
    let (publish, _) = permissions(&log);
    let server = server(&publish, &["_INBOX_another.>".into()]).await;
    let bench = Bench {
        store: app(&server).await,
        log: log.into(),
    };
    let error = timeout(BOUND, bench.reopen()).await.unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .to_lowercase()
            .contains("subscription to \"_inbox_app"),
        "{error}"
    );
}

/// A denial is the reason of the time-out that follows it, not of every one there will ever be.
#[tokio::test]
async fn a_denial_is_not_told_for_another_subject() {
    let log = unique("trap");
    let (mut publish, subscribe) = permissions(&log);
    publish.retain(|subject| !subject.contains("MSG.GET"));
    let server = server(&publish, &subscribe).await;
    Bench {
        store: admin(&server).await,
        log: log.clone().into(),
    }
    .reopen()
    .await
    .unwrap();
    let bench = Bench {
        store: app(&server).await,
        log: log.into(),
    };
    bench.reopen().await.unwrap();
    let denied = bench
        .store
        .revision(&bench.log, &bench.item("a"))
        .await
        .unwrap_err();
    assert!(
        denied
            .to_string()
            .to_lowercase()
            .contains("permissions violation"),
        "{denied}"
    );
    server.pause().unwrap();
    let late = bench
        .store
        .append(bench.append("one", &[(&bench.item("a"), 0)]))
        .await;
    let late = late.unwrap_err().to_string();
    assert!(
        !late.to_lowercase().contains("permissions violation"),
        "{late}"
    );
}

/// A program may subscribe to anything through the client: what it may not is no reason of a request.
#[tokio::test]
async fn a_subscription_that_is_denied_is_not_told_for_a_request() {
    let log = unique("trap");
    let (publish, subscribe) = permissions(&log);
    let server = server(&publish, &subscribe).await;
    let bench = Bench {
        store: admin(&server).await,
        log: log.into(),
    };
    bench.reopen().await.unwrap();
    let bench = bench.through(app(&server).await).await;
    let mut events = bench.store.connection_events();
    let _secret = bench.store.client().subscribe("secret").await.unwrap();
    let denied = timeout(BOUND, async {
        loop {
            if let ConnectionEvent::PermissionDenied { message } = events.next().await.unwrap() {
                return message;
            }
        }
    });
    let denied = denied.await.unwrap();
    assert!(denied.contains("Subscription to \"secret\""), "{denied}");
    server.pause().unwrap();
    let late = bench
        .store
        .append(bench.append("one", &[(&bench.item("a"), 0)]))
        .await;
    let late = late.unwrap_err().to_string();
    assert!(
        !late.to_lowercase().contains("permissions violation"),
        "{late}"
    );
}
