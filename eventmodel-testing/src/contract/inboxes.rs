//! Inboxes of automations: every event, in the order of the log, at least once.

use std::future::poll_fn;
use std::task::Poll;

use eventmodel::memory;
use eventmodel::store::{Inbox, InboxSpec, Item};
use eventmodel::{Position, RecordedEvent};
use tokio::time::timeout;

use super::bench::Bench;
use super::draft::same_events;

async fn open(bench: &Bench) -> Box<dyn Inbox> {
    let spec = InboxSpec::new(bench.log.clone(), "Contract", bench.log.clone());
    let host = memory::inboxes_of(&*bench.store);
    let opened = timeout(bench.patience, host.open(&spec, &bench.store)).await;
    let opened = opened.expect("an inbox is opened in time");
    opened.unwrap_or_else(|error| panic!("the inbox cannot be opened: {error}"))
}

async fn next(bench: &Bench, inbox: &dyn Inbox) -> RecordedEvent {
    loop {
        let next = timeout(bench.patience, inbox.next()).await;
        let next = next.unwrap_or_else(|_| panic!("no event came"));
        match next.and_then(Item::event) {
            Ok(event) => return event,
            Err(error) if error.is_retryable() => {}
            Err(error) => panic!("the inbox cannot be read: {error}"),
        }
    }
}

async fn done(inbox: &dyn Inbox, event: &RecordedEvent) {
    let done = inbox.done(&event.clone().into()).await;
    done.unwrap_or_else(|error| panic!("an event cannot be done: {error}"));
}

/// The first delivery of each event, up to the last of these; later ones are allowed.
async fn first_deliveries(
    bench: &Bench,
    inbox: &dyn Inbox,
    last: &RecordedEvent,
) -> Vec<RecordedEvent> {
    let mut found: Vec<RecordedEvent> = Vec::new();
    while found
        .last()
        .is_none_or(|event| event.position() < last.position())
    {
        let event = next(bench, inbox).await;
        done(inbox, &event).await;
        if !found
            .iter()
            .any(|known| known.position() == event.position())
        {
            found.push(event);
        }
    }
    found
}

async fn write(bench: &Bench, from: usize, count: usize) -> Vec<RecordedEvent> {
    let mut stored = Vec::new();
    for n in from..from + count {
        let (course, student) = (bench.course(n), bench.student(n));
        let draft = bench.command("Enrol").guard(&course, Position::START);
        let draft = draft.guard(&student, Position::START);
        let draft = draft.event(&[&course, &student]).event(&[&student]);
        stored.extend(draft.send().await.events);
    }
    stored
}

pub async fn an_inbox_gives_each_event_in_the_order_of_the_log(bench: Bench) {
    let mut stored = write(&bench, 0, 10).await;
    let inbox = open(&bench).await;
    stored.extend(write(&bench, 10, 10).await);
    let found = first_deliveries(&bench, &*inbox, &stored[stored.len() - 1]).await;
    same_events("the inbox", &found, &stored);
}

pub async fn an_inbox_waits_for_the_next_event(bench: Bench) {
    let inbox = open(&bench).await;
    for n in 0..10 {
        let (event, stored) = tokio::join!(biased; next(&bench, &*inbox), write(&bench, n, 1));
        same_events("the next event", &[event], &stored[..1]);
        done(&*inbox, &stored[0]).await;
        let second = next(&bench, &*inbox).await;
        same_events("the event after it", &[second], &stored[1..]);
        done(&*inbox, &stored[1]).await;
    }
}

pub async fn a_next_that_is_dropped_loses_no_event(bench: Bench) {
    let inbox = open(&bench).await;
    let mut stored = Vec::new();
    let mut found = Vec::new();
    for n in 0..15 {
        // Polled and dropped at every stage of its waiting, before and after there is something.
        for (turn, polls) in [2, 1, 1, 2, 3].into_iter().enumerate() {
            if turn == 1 {
                stored.extend(write(&bench, n, 1).await);
            }
            let mut next = inbox.next();
            for _ in 0..polls {
                let polled = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
                if let Poll::Ready(item) = polled {
                    found.extend(item.and_then(Item::event).ok());
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    for event in &found {
        done(&*inbox, event).await;
    }
    // This one is waited for: whoever has it would have had the others before.
    stored.extend(write(&bench, 100, 1).await);
    let last = &stored[stored.len() - 1];
    found.extend(first_deliveries(&bench, &*inbox, last).await);
    let mut known = Position::START;
    found.retain(|event| {
        let is_new = event.position() > known;
        known = known.max(event.position());
        is_new
    });
    same_events("the inbox", &found, &stored);
}

pub async fn what_was_not_done_comes_again(bench: Bench) {
    let stored = write(&bench, 0, 4).await;
    let inbox = open(&bench).await;
    for n in 0..stored.len() {
        let event = next(&bench, &*inbox).await;
        assert_eq!(event.position(), stored[n].position());
        // Done in another order than they came, and two of them not at all.
        if n % 3 == 2 {
            done(&*inbox, &stored[n]).await;
            done(&*inbox, &stored[n - 1]).await;
        }
    }
    drop(inbox);
    let inbox = open(&bench).await;
    let mut missing: Vec<_> = [0, 3, 6, 7].map(|n| stored[n].position()).into();
    // Events of other instances may come before them, but not for ever.
    for n in 10..1_000 {
        let new = write(&bench, n, 1).await;
        let mut found = Vec::new();
        while found.len() < new.len() {
            let event = next(&bench, &*inbox).await;
            done(&*inbox, &event).await;
            missing.retain(|position| *position != event.position());
            found.extend(
                new.iter()
                    .any(|e| e.position() == event.position())
                    .then_some(event),
            );
        }
        same_events("what is new", &found, &new);
        if missing.is_empty() {
            return;
        }
    }
    panic!("{missing:?} was not done, and is gone");
}
