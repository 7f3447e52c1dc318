//! Optimistic concurrency: on three replicas a guard is compared with what is in flight by its literal text only, and
//! a conflict has two codes.

use eventmodel::Position;
use eventmodel::store::{AppendError, Store};
use eventmodel_nats::async_nats;
use futures_util::future::join_all;

use super::bench::{Bench, is_conflict, positions};
use crate::{replicated_store, store};

const PAIRS: usize = 300;

/// One of two racing appends is stored and the other is a conflict: never both, and neither an error.
async fn race(
    one: &Bench,
    other: &Bench,
    pairs: impl Fn(usize) -> [eventmodel::store::Append; 2],
) -> usize {
    let races = (0..PAIRS).map(|n| {
        let [first, second] = pairs(n);
        async {
            let (a, b) = tokio::join!(one.store.append(first), other.store.append(second));
            for result in [&a, &b] {
                assert!(result.is_ok() || is_conflict(result), "{result:?}");
            }
            usize::from(a.is_ok()) + usize::from(b.is_ok())
        }
    });
    let mut stored = 0;
    for winners in join_all(races).await {
        assert!(winners <= 1, "both were stored");
        stored += winners;
    }
    stored
}

#[tokio::test]
async fn of_two_writers_of_an_instance_one_wins_on_three_replicas() {
    let one = Bench::open(replicated_store().await).await;
    let other = one.through(replicated_store().await).await;
    let stored = race(&one, &other, |n| {
        let item = one.item(n);
        ["a", "b"].map(|who| one.append(&format!("{who}-{n}"), &[(&item, 0)]))
    });
    assert!(stored.await > 0);
    // With the same guard, in a batch and alone.
    let stored = race(&one, &other, |n| {
        let (item, own) = (one.item(format!("x{n}")), one.item(format!("y{n}")));
        [
            one.append(&format!("c-{n}"), &[(&own, 0), (&item, 0)]),
            one.append(&format!("d-{n}"), &[(&item, 0)]),
        ]
    });
    assert!(stored.await > 0);
}

#[tokio::test]
async fn of_two_writers_that_read_what_the_other_writes_one_wins_on_three_replicas() {
    let one = Bench::open(replicated_store().await).await;
    let other = one.through(replicated_store().await).await;
    race(&one, &other, |n| {
        let (a, b) = (one.item(format!("a{n}")), one.item(format!("b{n}")));
        [
            one.guarded(&format!("a-{n}"), &[(&a, 0)], &[(&b, 0)]),
            one.guarded(&format!("b-{n}"), &[(&b, 0)], &[(&a, 0)]),
        ]
    })
    .await;
}

#[tokio::test]
async fn a_writer_and_one_that_only_reads_what_it_writes_exclude_each_other_on_three_replicas() {
    let one = Bench::open(replicated_store().await).await;
    let other = one.through(replicated_store().await).await;
    // The reader may come first and both be stored, one after the other: then the guard held when it was stored.
    let races = (0..PAIRS).map(|n| {
        let (a, b) = (one.item(format!("a{n}")), one.item(format!("b{n}")));
        let reader = one.guarded(&format!("r-{n}"), &[(&a, 0)], &[(&b, 0)]);
        let writer = one.append(&format!("w-{n}"), &[(&b, 0)]);
        async {
            let (reader, writer) =
                tokio::join!(one.store.append(reader), other.store.append(writer));
            if let (Ok(reader), Ok(writer)) = (&reader, &writer) {
                let (reader, writer) = (positions(reader)[0], positions(writer)[0]);
                assert!(reader < writer, "{reader} was stored after {writer}");
            }
        }
    });
    join_all(races).await;
}

#[tokio::test]
async fn a_guard_on_what_is_not_written_holds_against_what_was_there_before() {
    for store in [store().await, replicated_store().await] {
        let bench = Bench::open(store).await;
        let (a, b) = (bench.item("a"), bench.item("b"));
        let first = bench.put("first", &b, 0).await;
        let stale = bench.guarded("stale", &[(&a, 0)], &[(&b, 0)]);
        assert!(is_conflict(&bench.store.append(stale).await));
        let fresh = bench.guarded("fresh", &[(&a, 0)], &[(&b, first)]);
        bench.store.append(fresh).await.unwrap();
    }
}

#[tokio::test]
async fn a_conflict_says_where_and_what_if_the_server_does() {
    let bench = Bench::open(store().await).await;
    let item = bench.item("a");
    let position = bench.put("first", &item, 0).await;
    match bench
        .store
        .append(bench.append("second", &[(&item, 0)]))
        .await
    {
        Err(AppendError::Conflict { subject, actual }) => {
            assert_eq!(subject, Some(item));
            assert_eq!(actual, Some(Position::new(position)));
        }
        other => panic!("{other:?}"),
    }
}

/// JetStream freezes on a mismatch of it.
#[tokio::test]
async fn no_message_expects_the_id_of_another() {
    let bench = Bench::open(store().await).await;
    let (a, b, c) = (bench.item("a"), bench.item("b"), bench.item("c"));
    bench.put("one", &a, 0).await;
    let several = bench.guarded("two", &[(&a, 1), (&b, 0)], &[(&c, 0)]);
    bench.store.append(several).await.unwrap();
    let stream = bench.stream().await;
    for sequence in 1..=bench.messages().await {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let names: Vec<_> = message
            .headers
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        assert!(
            !names.iter().any(|name| name == "Nats-Expected-Last-Msg-Id"),
            "{names:?}"
        );
        // No blind write, and no wildcard guard.
        let expected = message
            .headers
            .get(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE);
        assert!(expected.is_some(), "{names:?}");
        let on = message
            .headers
            .get("Nats-Expected-Last-Subject-Sequence-Subject");
        assert!(
            on.is_none_or(|on| !on.as_str().contains(['*', '>'])),
            "{on:?}"
        );
    }
}
