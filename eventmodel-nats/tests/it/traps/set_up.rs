//! Logs that are created, extended, or in the way of each other.

use std::sync::Arc;

use eventmodel::StoreError;
use eventmodel::store::{LogSpec, Store};
use eventmodel_nats_harness::{shared_cluster, shared_server, unique};
use futures_util::future::join_all;

use super::bench::Bench;
use crate::{builder, replicated_store, store};

#[tokio::test]
async fn subjects_of_a_new_stream_are_added_to_the_log() {
    let bench = Bench::open(store().await).await;
    bench.put("first", &bench.item("a"), 0).await;
    let mut spec = bench.spec();
    spec.subjects.push(bench.pattern("more.*.*"));
    bench.store.open(&[spec.clone()]).await.unwrap();
    let more = eventmodel::Subject::new(&format!("{}.more.a.b", bench.log)).unwrap();
    bench.put("second", &more, 0).await;
    // An older version of the program takes none away.
    bench.reopen().await.unwrap();
    bench.put("third", &more, 2).await;
    assert_eq!(bench.events().await.len(), 3);
}

#[tokio::test]
async fn subjects_that_several_processes_add_at_once_are_all_there_in_the_end() {
    for store in [store().await, replicated_store().await] {
        let bench = Bench::open(store.clone()).await;
        let opening = (0..12).map(|n| {
            let mut spec = bench.spec();
            spec.subjects.push(bench.pattern(&format!("more{n}.*")));
            let store = store.clone();
            async move { store.open(&[spec]).await }
        });
        for opened in join_all(opening).await {
            opened.unwrap();
        }
        for n in 0..12 {
            let subject = eventmodel::Subject::new(&format!("{}.more{n}.a", bench.log)).unwrap();
            bench.put(&format!("c-{n}"), &subject, 0).await;
        }
    }
}

#[tokio::test]
async fn processes_that_create_a_log_at_once_all_open_the_same() {
    for (servers, replicas) in [(shared_server().await, 1), (shared_cluster().await, 3)] {
        let servers = servers.unwrap();
        let log: Arc<str> = unique("trap").into();
        let opening = (0..8).map(|_| async {
            let store = builder()
                .replicas(replicas)
                .connect(&servers)
                .await
                .unwrap();
            let bench = Bench {
                store,
                log: log.clone(),
            };
            bench.reopen().await.map(|()| bench)
        });
        let benches: Vec<_> = join_all(opening)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let mut last = 0;
        for (n, bench) in benches.iter().enumerate() {
            last = bench.put(&format!("c-{n}"), &bench.item("a"), last).await;
        }
        assert_eq!(benches[0].events().await.len(), 8);
    }
}

#[tokio::test]
async fn a_log_whose_subjects_another_one_takes_is_refused_by_name() {
    let bench = Bench::open(store().await).await;
    let other = LogSpec {
        name: unique("trap").into(),
        subjects: vec![bench.pattern(">")],
        several_guards: vec![],
    };
    let error = bench
        .store
        .open(std::slice::from_ref(&other))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Drift { log, .. } if *log == other.name),
        "{error:?}"
    );
    assert!(
        error.to_string().contains(bench.pattern(">").as_str()),
        "{error}"
    );
    // Also when it is added to a log that is there.
    let another = Bench::open(store().await).await;
    let mut spec = another.spec();
    spec.subjects.push(bench.pattern("item.a"));
    let error = another.store.open(&[spec]).await.unwrap_err();
    assert!(
        error.to_string().contains("another JetStream stream"),
        "{error}"
    );
    another.put("still", &another.item("a"), 0).await;
}

#[tokio::test]
async fn a_store_that_may_not_set_up_says_what_to_run() {
    let url = shared_server().await.unwrap();
    let store = builder().without_setup().connect(url).await.unwrap();
    let bench = Bench {
        store,
        log: unique("trap").into(),
    };
    let error = bench.reopen().await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("nats stream add {} --subjects ", bench.log)),
        "{error}"
    );
    let made = Bench::open(super::super::store().await).await;
    let bench = Bench {
        log: made.log.clone(),
        ..bench
    };
    bench.reopen().await.unwrap();
    let mut spec = bench.spec();
    spec.subjects.push(bench.pattern("more.*"));
    let error = bench.store.open(&[spec]).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("nats stream edit {} --subjects ", bench.log)),
        "{error}"
    );
    assert!(error.contains("more.*"), "{error}");
}

#[tokio::test]
async fn a_name_that_jetstream_does_not_take_is_refused_before_it_is_asked() {
    let store = store().await;
    for name in ["a b", "a.b", "a*", "", "ä", &"x".repeat(200)] {
        let spec = LogSpec {
            name: name.into(),
            subjects: vec![],
            several_guards: vec![],
        };
        let error = store.open(&[spec]).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Drift { .. }),
            "{name}: {error:?}"
        );
    }
}
