//! Following a log while others write to it: no gap, no duplicate.

use eventmodel::{Position, RecordedEvent};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{revision_of, same_events};
use super::join_all;
use super::reading::chosen;

const WRITERS: usize = 4;
/// Commands of each writer.
const COMMANDS: usize = 60;

/// Starts the writers. Each has instances of its own, so that none of them waits for another. Returns what they
/// store, and the position up to which it is stored already.
fn write(bench: &Bench) -> (JoinSet<Vec<RecordedEvent>>, watch::Receiver<Position>) {
    let reached = watch::Sender::new(Position::START);
    let known = reached.subscribe();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (bench, reached) = (bench.clone(), reached.clone());
        writers.spawn(async move {
            let (account, seat) = (bench.account(writer), bench.seat(writer, writer % 2));
            let (mut account_seen, mut seat_seen) = (Position::START, Position::START);
            let mut stored = Vec::new();
            for n in 0..COMMANDS {
                let mut draft = bench.command("Write").on(&account, account_seen);
                if n % 3 == 0 {
                    draft = draft.guard(&seat, seat_seen).event(&[&seat, &account]);
                    draft = draft.event(&[&seat]);
                }
                let appended = draft.send().await;
                account_seen = revision_of(&appended, &account);
                if n % 3 == 0 {
                    seat_seen = revision_of(&appended, &seat);
                }
                let last = appended.events[appended.events.len() - 1].position();
                stored.extend(appended.events);
                reached.send_modify(|reached| *reached = last.max(*reached));
            }
            stored
        });
    }
    (writers, known)
}

/// What the writers have stored, in the order of the log, and then one more event: whoever has got it has got all.
async fn finish(bench: &Bench, writers: JoinSet<Vec<RecordedEvent>>) -> Vec<RecordedEvent> {
    let mut stored = join_all(writers).await.concat();
    stored.sort_unstable_by_key(RecordedEvent::position);
    let seat = bench.seat("last", 1);
    let last = bench.command("Finish").on(&seat, Position::START).send();
    stored.extend(last.await.events);
    stored
}

fn after(events: &[RecordedEvent], position: Position) -> Vec<RecordedEvent> {
    let is_after = |event: &&RecordedEvent| event.position() > position;
    events.iter().filter(is_after).cloned().collect()
}

pub async fn followers_miss_nothing_while_others_write(bench: Bench) {
    let (stop, mut end) = watch::channel(Position::START);
    let (writers, mut reached) = write(&bench);
    let mut followers = JoinSet::new();
    let mut start = Position::START;
    // Each follower starts where the log is by then, in the middle of the writing.
    for _ in 0..6 {
        let (mut follower, mut end, from) = (bench.follow(start, &[]), end.clone(), start);
        followers.spawn(async move {
            let mut found = Vec::new();
            loop {
                tokio::select! {
                    event = follower.next() => found.push(event),
                    _ = end.wait_for(|end| *end > Position::START) => break,
                }
            }
            let last = *end.borrow();
            found.extend(follower.up_to(last).await);
            (from, found)
        });
        let next = reached.wait_for(|reached| *reached > start).await;
        start = next.map_or(start, |reached| *reached);
    }
    let stored = finish(&bench, writers).await;
    stop.send_replace(stored[stored.len() - 1].position());
    end.mark_unchanged();
    for (from, found) in join_all(followers).await {
        same_events(
            &format!("the follower from {from}"),
            &found,
            &after(&stored, from),
        );
    }
    same_events("the log", &bench.all().await, &stored);
}

pub async fn a_slow_reader_misses_nothing(bench: Bench) {
    let (writers, mut reached) = write(&bench);
    let first = reached.wait_for(|reached| *reached > Position::START).await;
    drop(first);
    let mut slow = bench.follow(Position::START, &[]);
    let mut slower = bench.follow(Position::START, &[bench.pattern("seat.*.1")]);
    let mut found = vec![slow.next().await];
    // Not polled again until all is written.
    let stored = finish(&bench, writers).await;
    let last = stored[stored.len() - 1].position();
    found.extend(slow.up_to(last).await);
    same_events("the slow reader", &found, &stored);
    let found = slower.up_to(last).await;
    let expected = chosen(&stored, &[bench.pattern("seat.*.1")]);
    same_events("the reader that has not begun", &found, &expected);
}

pub async fn followers_of_a_part_miss_nothing_while_others_write(bench: Bench) {
    let (writers, _reached) = write(&bench);
    let mut followers = JoinSet::new();
    for choice in ["seat.*.1", "seat.>", ">", "*.*.1"] {
        let patterns = [bench.pattern(choice)];
        let mut follower = bench.follow(Position::START, &patterns);
        followers.spawn(async move {
            let mut found = Vec::new();
            loop {
                let event = follower.next().await;
                let is_last = *event.metadata().command.name == *"Finish";
                found.push(event);
                if is_last {
                    return (patterns, found);
                }
            }
        });
    }
    let stored = finish(&bench, writers).await;
    for (patterns, found) in join_all(followers).await {
        let expected = chosen(&stored, &patterns);
        same_events(&format!("the follower of {patterns:?}"), &found, &expected);
    }
}

pub async fn a_reader_that_is_resumed_at_every_event_misses_nothing(bench: Bench) {
    let (writers, _reached) = write(&bench);
    let mut found: Vec<RecordedEvent> = Vec::new();
    let mut at = Position::START;
    for _ in 0..WRITERS * COMMANDS {
        // A reader is dropped after one event: its place is taken by another one.
        let event = bench.follow(at, &[]).next().await;
        at = event.position();
        found.push(event);
    }
    let stored = finish(&bench, writers).await;
    same_events("what they read", &found, &stored[..found.len()]);
}
