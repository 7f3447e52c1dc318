//! Many writers at once: exactly one of those that have seen the same wins, and what they did has one order.

use std::sync::Arc;

use eventmodel::store::AppendError;
use eventmodel::{Position, RecordedEvent};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{revision_of, same_events};
use super::join_all;

const WRITERS: usize = 8;

pub async fn exactly_one_of_eight_writers_wins_each_round(bench: Bench) {
    const ROUNDS: usize = 100;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (bench, barrier) = (bench.clone(), barrier.clone());
        writers.spawn(async move {
            let account = bench.account("contended");
            let mut won = Vec::new();
            for round in 0..ROUNDS {
                let seen = bench.revision(&account).await;
                // Nobody writes before all have seen the same.
                barrier.wait().await;
                let draft = bench.command("Win").on(&account, seen);
                match draft.payload(format!("{round} {writer}")).try_send().await {
                    Ok(appended) => won.push((round, appended.events[0].clone())),
                    Err(AppendError::Conflict { .. }) => {}
                    Err(error) => panic!("writer {writer}, round {round}: {error}"),
                }
                barrier.wait().await;
            }
            won
        });
    }
    let mut won = join_all(writers).await.concat();
    won.sort_unstable_by_key(|(round, _)| *round);
    for round in 0..ROUNDS {
        let winners = won.iter().filter(|(of, _)| *of == round).count();
        assert_eq!(winners, 1, "round {round} has {winners} winners");
    }
    let won: Vec<RecordedEvent> = won.into_iter().map(|(_, event)| event).collect();
    same_events("the log", &bench.all().await, &won);
}

pub async fn writers_of_different_instances_never_conflict(bench: Bench) {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let bench = bench.clone();
        writers.spawn(async move {
            let account = bench.account(writer);
            let mut seen = Position::START;
            let mut stored = Vec::new();
            for _ in 0..40 {
                let appended = bench.command("Deposit").on(&account, seen).send().await;
                seen = revision_of(&appended, &account);
                stored.extend(appended.events);
            }
            same_events("the history", &bench.history(&account, seen).await, &stored);
        });
    }
    join_all(writers).await;
    assert_eq!(bench.all().await.len(), WRITERS * 40);
}

pub async fn what_is_loaded_while_others_write_is_the_beginning_of_the_history(bench: Bench) {
    let account = bench.account(1);
    let mut writers = JoinSet::new();
    let writer = bench.clone();
    writers.spawn(async move {
        let account = writer.account(1);
        let mut seen = Position::START;
        let mut stored = Vec::new();
        for _ in 0..200 {
            let appended = writer.command("Deposit").on(&account, seen).send().await;
            seen = revision_of(&appended, &account);
            stored.extend(appended.events);
        }
        stored
    });
    let mut loads = Vec::new();
    while loads.len() < 100 {
        loads.push(bench.load(&account, Position::START, Position::START).await);
        tokio::task::yield_now().await;
    }
    let stored = join_all(writers).await.concat();
    for loaded in loads {
        let len = loaded.events.len();
        assert!(len <= stored.len());
        same_events("what was loaded", &loaded.events, &stored[..len]);
        let last = loaded.events.last().map(RecordedEvent::position);
        assert_eq!(
            loaded.revision,
            last.unwrap_or_default(),
            "the revision is not that of the events beside it"
        );
    }
}

/// A command that is decided again until it wins, on what was loaded: the way of an app.
pub async fn no_update_is_lost(bench: Bench) {
    const EACH: usize = 10;
    let start = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (bench, start) = (bench.clone(), start.clone());
        writers.spawn(async move {
            start.wait().await;
            let (counter, own) = (bench.account("counter"), bench.course(writer));
            let mut floor = Position::START;
            for _ in 0..EACH {
                loop {
                    let loaded = bench.load(&counter, Position::START, floor).await;
                    // The others decide meanwhile, on the same.
                    tokio::task::yield_now().await;
                    let draft = bench.command("Count").guard(&counter, loaded.revision);
                    let draft = draft.guard(&own, bench.revision(&own).await);
                    let draft = draft.event(&[&counter, &own]);
                    match draft
                        .payload(loaded.events.len().to_string())
                        .try_send()
                        .await
                    {
                        Ok(appended) => {
                            floor = revision_of(&appended, &counter);
                            break;
                        }
                        Err(AppendError::Conflict { actual, .. }) => {
                            floor = actual.unwrap_or(floor).max(floor);
                        }
                        Err(error) => panic!("writer {writer}: {error}"),
                    }
                }
            }
        });
    }
    join_all(writers).await;
    let all = bench.all().await;
    let counted: Vec<_> = all.iter().map(|e| e.payload().clone()).collect();
    let expected: Vec<_> = (0..WRITERS * EACH).map(|n| n.to_string()).collect();
    assert_eq!(
        counted, expected,
        "an update was decided on less than was there"
    );
}
