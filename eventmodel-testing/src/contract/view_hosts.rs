//! Hosts of views: each event is applied once and in order, and nobody who asks or watches is told less.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventmodel::Position;
use eventmodel::store::ViewError;
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{Draft, revision_of};
use super::hosted::{Entry, entry, host};
use super::join_all;
use super::seats::fold;

/// So many events of this seat, one after the other.
async fn reserve(bench: &Bench, row: &str, number: &str, count: usize) -> Position {
    let seat = bench.seat(row, number);
    let mut tail = bench.revision(&seat).await;
    for _ in 0..count {
        tail = revision_of(
            &bench.command("Reserve").on(&seat, tail).send().await,
            &seat,
        );
    }
    tail
}

fn writers(bench: &Bench) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    for row in 0..4 {
        let bench = bench.clone();
        writers.spawn(async move {
            for round in 0..20 {
                reserve(&bench, &row.to_string(), &(round % 3).to_string(), 1).await;
                let account = bench.account(row);
                let seen = bench.revision(&account).await;
                bench.command("Pay").on(&account, seen).send().await;
            }
        });
    }
    writers
}

pub async fn a_view_of_an_empty_log_is_empty(bench: Bench) {
    let hosted = host(&bench).await;
    hosted
        .reached(Position::START)
        .await
        .expect("it is there from the start");
    hosted.check().await;
}

pub async fn a_view_applies_each_event_once_and_in_order(bench: Bench) {
    reserve(&bench, "a", "1", 5).await;
    let writers = writers(&bench);
    let hosted = host(&bench).await;
    join_all(writers).await;
    reserve(&bench, "a", "1", 5).await;
    hosted.check().await;
}

pub async fn a_view_that_has_reached_a_position_shows_what_was_there(bench: Bench) {
    let hosted = host(&bench).await;
    for count in 1..=50 {
        let position = reserve(&bench, "a", "1", 1).await;
        hosted.reached(position).await.expect("the view goes on");
        let found = hosted.view.get("a.1").await.expect("the view answers");
        let (_, (ids, at)) = entry(&found.expect("the seat is there"));
        assert_eq!((ids.len(), at), (count, position.get()));
    }
}

pub async fn an_event_that_is_none_of_its_own_takes_a_view_further(bench: Bench) {
    let hosted = host(&bench).await;
    let account = bench.account(1);
    let draft = bench.command("Pay").on(&account, Position::START);
    // Another model may share the log: neither type nor payload is known here.
    let draft = draft
        .payload("not JSON")
        .metadata(|m| m.event_type = "Paid".into());
    let paid = draft.send().await;
    hosted
        .reached(revision_of(&paid, &account))
        .await
        .expect("the view goes on");
    hosted.check().await;
}

pub async fn a_view_lists_by_the_tokens_of_a_key(bench: Bench) {
    let hosted = host(&bench).await;
    let keys = [
        ("1", "b"),
        ("10", "a"),
        ("1", "a"),
        ("2", "a"),
        ("1.0", "a"),
        ("", "x"),
    ];
    let mut last = Position::START;
    for (row, number) in keys {
        last = reserve(&bench, row, number, 1).await;
    }
    hosted.reached(last).await.expect("the view goes on");
    let listed = async |prefix: &str| -> Vec<String> {
        hosted
            .list(prefix)
            .await
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    };
    assert_eq!(
        listed("").await,
        ["%.x", "1%2E0.a", "1.a", "1.b", "10.a", "2.a"]
    );
    assert_eq!(listed("1").await, ["1.a", "1.b"]);
    assert_eq!(listed("1.a").await, ["1.a"]);
    assert_eq!(listed("10").await, ["10.a"]);
    assert_eq!(listed("%").await, ["%.x"]);
    assert!(listed("3").await.is_empty());
    assert!(listed("1.a.x").await.is_empty());
}

pub async fn a_view_stops_at_an_event_that_it_cannot_read(bench: Bench) {
    let wrongs: [fn(Draft<'_>) -> Draft<'_>; 2] = [
        |draft| draft.payload("{ not JSON"),
        |draft| draft.metadata(|m| m.event_type = "NobodyKnowsThis".into()),
    ];
    for wrong in wrongs {
        let bench = bench.another_log().await;
        let good = reserve(&bench, "a", "1", 3).await;
        let seat = bench.seat("a", "1");
        let bad = wrong(bench.command("Reserve").on(&seat, good)).send().await;
        let bad = revision_of(&bad, &seat);
        let hosted = host(&bench).await;
        hosted
            .reached(good)
            .await
            .expect("what stands before it can be read");
        let later = reserve(&bench, "b", "1", 1).await;
        for position in [bad, later] {
            match hosted.reached(position).await {
                Err(ViewError::Undecodable { error, .. }) => assert_eq!(error.position, bad),
                other => panic!("the view should stop at {bad}, it was {other:?}"),
            }
        }
        let status = hosted.view.status();
        assert!(matches!(
            status.stopped,
            Some(ViewError::Undecodable { .. })
        ));
        assert!(status.positions[&bench.log] < bad, "the event was skipped");
        let answer = hosted.view.get("a.1").await;
        assert!(
            matches!(answer, Err(ViewError::Undecodable { .. })),
            "{answer:?}"
        );
        let mut watcher = hosted.watch("", None);
        let end = loop {
            match watcher.try_next().await {
                Some(Ok((key, _))) => assert_eq!(key, "a.1"),
                end => break end,
            }
        };
        assert!(
            matches!(end, Some(Err(ViewError::Undecodable { .. }))),
            "{end:?}"
        );
    }
}

/// What a watcher is told of a key must be true at that point, and must not go back.
fn note(seen: &mut BTreeMap<String, (Vec<String>, u64)>, (key, now): Entry) {
    let before = seen.entry(key.clone()).or_default();
    assert!(
        now.1 > before.1,
        "`{key}` went from position {} to {}",
        before.1,
        now.1
    );
    assert!(now.0.starts_with(&before.0), "`{key}` lost what it had");
    *before = now;
}

/// Whether the key is of a seat that a watcher ends at.
fn is_last_seat(key: &str) -> bool {
    key.split('.').next_back() == Some("last")
}

pub async fn a_watcher_starts_with_what_is_there_and_misses_nothing(bench: Bench) {
    reserve(&bench, "a", "1", 2).await;
    let first = reserve(&bench, "a", "2", 1).await;
    let hosted = Arc::new(host(&bench).await);
    hosted.reached(first).await.expect("the view goes on");
    let mut watchers = JoinSet::new();
    for prefix in ["", "", "a", "1"] {
        let mut watcher = hosted.watch(prefix, None);
        watchers.spawn(async move {
            let mut seen = BTreeMap::new();
            loop {
                let entry = watcher.next().await;
                let is_last = is_last_seat(&entry.0);
                note(&mut seen, entry);
                if is_last {
                    return (prefix, seen);
                }
            }
        });
    }
    join_all(writers(&bench)).await;
    let whole = fold(&bench.all().await);
    // Each watcher ends at one of these.
    for row in ["1", "a"] {
        reserve(&bench, row, "last", 1).await;
    }
    for (prefix, mut seen) in join_all(watchers).await {
        seen.retain(|key, _| !is_last_seat(key));
        let under = |key: &str| prefix.is_empty() || key.starts_with(&format!("{prefix}."));
        let mut expected = whole.clone();
        expected.retain(|key, _| under(key));
        assert_eq!(
            seen, expected,
            "what the watcher of `{prefix}` knows at last"
        );
    }
}

pub async fn a_watcher_that_comes_back_gets_what_changed(bench: Bench) {
    let hosted = host(&bench).await;
    reserve(&bench, "a", "1", 2).await;
    let seen = reserve(&bench, "b", "1", 1).await;
    let changed = reserve(&bench, "a", "2", 1).await;
    let last = reserve(&bench, "b", "1", 1).await;
    hosted.reached(last).await.expect("the view goes on");
    let mut watcher = hosted.watch("", Some(seen));
    let (key, (ids, at)) = watcher.next().await;
    assert_eq!((&*key, ids.len(), at), ("a.2", 1, changed.get()));
    let (key, (ids, at)) = watcher.next().await;
    assert_eq!((&*key, ids.len(), at), ("b.1", 2, last.get()));
    let new = reserve(&bench, "a", "1", 1).await;
    let (key, (ids, at)) = watcher.next().await;
    assert_eq!((&*key, ids.len(), at), ("a.1", 3, new.get()));
}

pub async fn a_view_knows_its_logs(bench: Bench) {
    let hosted = host(&bench).await;
    let other = bench.another_log().await;
    let position = Position::new(1);
    let reached = hosted.view.reached(&other.log, position).await;
    assert!(matches!(reached, Err(ViewError::OtherLog { log, .. }) if log == other.log));
}

pub async fn a_view_that_is_stopped_ends_its_watchers(bench: Bench) {
    let hosted = host(&bench).await;
    let last = reserve(&bench, "a", "1", 1).await;
    hosted.reached(last).await.expect("the view goes on");
    let mut watcher = hosted.watch("", None);
    watcher.next().await;
    hosted.stop.cancel();
    let end = watcher.try_next().await;
    assert!(end.is_none(), "a stop is not a failure: {end:?}");
    let later = reserve(&bench, "a", "1", 1).await;
    let reached = hosted.reached(later).await;
    assert!(matches!(reached, Err(ViewError::ShutDown)), "{reached:?}");
}

pub async fn a_view_that_is_hosted_again_goes_on_where_it_was(bench: Bench) {
    for _ in 0..4 {
        let writers = writers(&bench);
        let hosted = host(&bench).await;
        // Stopped in the middle of its work, and again after it.
        let middle = reserve(&bench, "a", "1", 1).await;
        hosted.reached(middle).await.expect("the view goes on");
        hosted.stop.cancel();
        join_all(writers).await;
        let hosted = host(&bench).await;
        hosted.check().await;
        hosted.stop.cancel();
    }
}
