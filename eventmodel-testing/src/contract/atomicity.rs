//! The events of one command are all stored, or none, and nothing comes between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventmodel::{Position, RecordedEvent, Subject};
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{Draft, revision_of, same_events};
use super::join_all;

/// How many events the large batches have: far from the limit of a JetStream batch, more than a page of any store.
const MANY: usize = 300;

/// How many batches each writer appends.
const ROUNDS: usize = 40;

pub async fn a_batch_of_many_events_is_stored_whole_and_in_order(bench: Bench) {
    let instances: Vec<_> = (0..3).map(|n| bench.account(n)).collect();
    let stored = batch(&bench, &instances).send().await;
    assert_eq!(stored.events.len(), MANY);
    same_events("the log", &bench.all().await, &stored.events);
    for (n, instance) in instances.iter().enumerate() {
        let expected: Vec<_> = stored.events.iter().skip(n).step_by(3).cloned().collect();
        let history = bench
            .history(instance, revision_of(&stored, instance))
            .await;
        same_events("the history of an instance", &history, &expected);
    }
}

pub async fn after_a_conflict_nothing_of_a_batch_is_there(bench: Bench) {
    let instances: Vec<_> = (0..3).map(|n| bench.account(n)).collect();
    let opened = bench.command("Open").on(&instances[2], Position::START);
    let opened = opened.send().await;
    let refused = batch(&bench, &instances);
    refused.must_conflict().await;
    same_events("the log", &bench.all().await, &opened.events);
    for instance in &instances[..2] {
        assert_eq!(bench.revision(instance).await, Position::START);
    }
    let command = refused.command_ref();
    let found = bench.committed(&command, &instances).await;
    let found = found.unwrap_or_else(|error| panic!("the look-up failed: {error}"));
    assert!(found.is_none(), "a command that was refused is found");
    // What comes next is the next event of the log: nothing appears late.
    let next = bench.command("Open").on(&instances[0], Position::START);
    let next = next.send().await;
    let stored = [opened.events, next.events].concat();
    same_events("the log", &bench.all().await, &stored);
}

fn batch<'a>(bench: &'a Bench, instances: &[Subject]) -> Draft<'a> {
    let mut draft = bench.command("Import");
    for instance in instances {
        draft = draft.guard(instance, Position::START);
    }
    (0..MANY).fold(draft, |draft, n| {
        draft.event(&[&instances[n % instances.len()]])
    })
}

/// Appends batches of three to five events, on an instance of its own and some of a second one.
async fn write_batches(bench: Bench, writer: usize) -> Vec<RecordedEvent> {
    let (first, second) = (bench.account(writer), bench.course(writer));
    let (mut first_seen, mut second_seen) = (Position::START, Position::START);
    let mut stored = Vec::new();
    for round in 0..ROUNDS {
        let mut draft = bench
            .command("Batch")
            .guard(&first, first_seen)
            .guard(&second, second_seen)
            .event(&[&first])
            .event(&[&second, &first])
            .event(&[&first]);
        for _ in 0..round % 3 {
            draft = draft.event(&[&first]);
        }
        let appended = draft.send().await;
        first_seen = revision_of(&appended, &first);
        second_seen = revision_of(&appended, &second);
        stored.extend(appended.events);
    }
    stored
}

/// Whether the events are whole commands, one after the other.
fn are_whole(events: &[RecordedEvent]) -> Result<(), String> {
    let mut rest = events;
    while let Some(first) = rest.first() {
        let command = &first.metadata().command;
        let size = command.events as usize;
        for n in 0..size {
            let Some(event) = rest.get(n) else {
                return Err(format!("the end is missing: {n} events of {size}"));
            };
            if event.metadata().id != command.id.event(n) {
                return Err(format!(
                    "event {n} of a command of {size} is missing or out of place at position {}",
                    event.position()
                ));
            }
        }
        rest = &rest[size..];
    }
    Ok(())
}

pub async fn concurrent_batches_never_interleave(bench: Bench) {
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        writers.spawn(write_batches(bench.clone(), writer));
    }
    let mut stored = join_all(writers).await.concat();
    stored.sort_unstable_by_key(RecordedEvent::position);
    let all = bench.all().await;
    same_events("the log", &all, &stored);
    if let Err(problem) = are_whole(&all) {
        panic!("{problem}");
    }
}

pub async fn a_read_never_ends_within_a_batch(bench: Bench) {
    while_batches_are_written(&bench, |bench| async move {
        if let Err(problem) = are_whole(&bench.all().await) {
            panic!("a reader saw the end of the log, and {problem}");
        }
    })
    .await;
}

pub async fn a_load_never_shows_a_part_of_a_batch(bench: Bench) {
    while_batches_are_written(&bench, |bench| async move {
        for writer in 0..2 {
            let account = bench.account(writer);
            // All events of these commands are on this instance.
            let loaded = bench.load(&account, Position::START, Position::START).await;
            if let Err(problem) = are_whole(&loaded.events) {
                panic!("an instance was loaded, and {problem}");
            }
        }
    })
    .await;
}

/// Looks again and again, from several tasks, as long as batches are written.
async fn while_batches_are_written<L, F>(bench: &Bench, look: L)
where
    L: Fn(Bench) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        writers.spawn(write_batches(bench.clone(), writer));
    }
    let written = Arc::new(AtomicBool::new(false));
    let mut lookers = JoinSet::new();
    for _ in 0..3 {
        let (bench, look, written) = (bench.clone(), look.clone(), written.clone());
        lookers.spawn(async move {
            while !written.load(Ordering::SeqCst) {
                look(bench.clone()).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let stored = join_all(writers).await.concat();
    written.store(true, Ordering::SeqCst);
    join_all(lookers).await;
    look(bench.clone()).await;
    assert_eq!(bench.all().await.len(), stored.len());
}
