//! Inboxes of automations: every event, in the order of the log, at least once.

use std::future::poll_fn;
use std::task::Poll;

use eventmodel::record::Subject;
use eventmodel::store::{Inbox, InboxSpec, Item, Kept, Parked, Parking};
use eventmodel::{Position, RecordedEvent};
use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use super::bench::Bench;
use super::draft::same_events;

async fn open(bench: &Bench) -> Box<dyn Inbox> {
    let spec = InboxSpec::new(bench.log.clone(), "Contract", bench.log.clone());
    let opened = timeout(bench.patience, bench.inboxes().open(&spec, &bench.store)).await;
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

/// So many events, done one by one; in the order of the log, since what others had in hand may come after what is new.
async fn handle(bench: &Bench, inbox: &dyn Inbox, count: usize) -> Vec<RecordedEvent> {
    let mut found = Vec::new();
    while found.len() < count {
        let event = next(bench, inbox).await;
        done(inbox, &event).await;
        found.push(event);
    }
    found.sort_by_key(RecordedEvent::position);
    found
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

/// Gives back what is not done, as an app does that stops.
async fn close(bench: &Bench, inbox: Box<dyn Inbox>) {
    let closed = timeout(bench.patience, inbox.close()).await;
    closed.expect("an inbox closes in time");
}

/// One event on each of some instances.
async fn write_apart(bench: &Bench, keys: std::ops::Range<usize>) -> Vec<RecordedEvent> {
    let mut stored = Vec::new();
    for key in keys {
        let account = bench.account(key);
        let draft = bench.command("Open").guard(&account, Position::START);
        stored.extend(draft.event(&[&account]).send().await.events);
    }
    stored
}

/// Waits until everything up to this event is done, for whoever asks.
async fn handled(bench: &Bench, inbox: &dyn Inbox, last: &RecordedEvent) {
    let reached = async {
        while !matches!(inbox.handled().await, Ok(until) if until >= last.position()) {
            sleep(super::bench::RETRY).await;
        }
    };
    let reached = timeout(bench.patience, reached).await;
    reached.unwrap_or_else(|_| panic!("{} is done, and does not count", last.position()));
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

pub async fn what_was_done_does_not_come_again_in_whatever_order(bench: Bench) {
    let mut stored = write_apart(&bench, 0..12).await;
    let inbox = open(&bench).await;
    for event in &stored {
        assert_eq!(next(&bench, &*inbox).await.position(), event.position());
    }
    let open_ones = [1, 2, 5, 9];
    for n in (0..stored.len()).rev().filter(|n| !open_ones.contains(n)) {
        done(&*inbox, &stored[n]).await;
    }
    let until = inbox.handled().await.unwrap_or_default();
    assert!(
        until < stored[1].position(),
        "{until} is behind what is open"
    );
    close(&bench, inbox).await;

    let inbox = open(&bench).await;
    stored.extend(write_apart(&bench, 12..14).await);
    let mut left = open_ones.map(|n| stored[n].clone()).to_vec();
    left.extend_from_slice(&stored[12..]);
    let found = handle(&bench, &*inbox, left.len()).await;
    same_events("the inbox", &found, &left);
    handled(&bench, &*inbox, &stored[13]).await;
    close(&bench, inbox).await;

    let inbox = open(&bench).await;
    handled(&bench, &*inbox, &stored[13]).await;
    let new = write_apart(&bench, 14..15).await;
    same_events("what is new", &[next(&bench, &*inbox).await], &new);
}

pub async fn two_inboxes_share_the_events_and_one_goes_on_alone(bench: Bench) {
    let (first, second) = (open(&bench).await, open(&bench).await);
    let stored = write_apart(&bench, 0..10).await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    while of_first.len() + of_second.len() < stored.len() {
        tokio::select! {
            event = next(&bench, &*first) => of_first.push(event),
            event = next(&bench, &*second) => of_second.push(event),
        }
    }
    let mut all = [of_first.clone(), of_second.clone()].concat();
    all.sort_by_key(RecordedEvent::position);
    same_events("both together", &all, &stored);

    for event in &of_second {
        done(&*second, event).await;
    }
    // Half of what the first has is left.
    let left = of_first.split_off(of_first.len() / 2);
    for event in &of_first {
        done(&*first, event).await;
    }
    close(&bench, first).await;
    let found = handle(&bench, &*second, left.len()).await;
    same_events("the one that goes on", &found, &left);
    handled(&bench, &*second, &stored[9]).await;
}

fn parked(bench: &Bench, subject: &Subject, event: &RecordedEvent) -> Kept {
    let parked = Parked::new(
        "Contract",
        bench.log.clone(),
        subject.clone(),
        event.position(),
        event.metadata().event_type.clone(),
        "no money".into(),
        3,
        Timestamp::UNIX_EPOCH,
    );
    Kept::new(parked, event.position())
}

async fn find(bench: &Bench, parking: &dyn Parking, subject: &Subject) -> Option<Kept> {
    let found = bench.answer("find what is parked", || parking.find(subject));
    found.await.expect("there is an answer")
}

/// Parks it; the new version, unless another one than it names is there. An attempt whose answer was lost may have kept it.
async fn keep(bench: &Bench, parking: &dyn Parking, kept: &Kept) -> Option<u64> {
    let new = bench.answer("park", || parking.keep(kept.clone())).await;
    if let Some(revision) = new.expect("there is an answer") {
        return Some(revision);
    }
    let found = find(bench, parking, &kept.parked.subject).await?;
    let is_it = (&found.parked, found.last) == (&kept.parked, kept.last);
    is_it.then_some(found.revision)
}

async fn release(bench: &Bench, parking: &dyn Parking, kept: &Kept) -> bool {
    let subject = &kept.parked.subject;
    let released = bench.answer("release", || parking.release(subject, kept.revision));
    let released = released.await.expect("there is an answer");
    released || find(bench, parking, subject).await.is_none()
}

pub async fn what_is_parked_is_kept_until_it_is_released(bench: Bench) {
    let stored = write_apart(&bench, 0..2).await;
    let inbox = open(&bench).await;
    let parking = inbox.parking();
    let mut both = Vec::new();
    for event in &stored {
        let mut kept = parked(&bench, event.subject(), event);
        let revision = keep(&bench, &*parking, &kept).await;
        kept.revision = revision.expect("nothing was parked there");
        both.push(kept);
    }
    let [mut ann, bob] = both.try_into().expect("there are two");
    // Another version than the one that is there changes nothing.
    let stale = parked(&bench, &ann.parked.subject, &stored[1]);
    assert_eq!(keep(&bench, &*parking, &stale).await, None);
    let mut stale = ann.clone();
    ann.parked.waiting = 1;
    ann.last = stored[1].position();
    let revision = keep(&bench, &*parking, &ann).await;
    ann.revision = revision.expect("nobody else has changed it");
    assert!(!release(&bench, &*parking, &stale).await);
    stale.revision = ann.revision + 100;
    assert!(!release(&bench, &*parking, &stale).await);
    assert!(release(&bench, &*parking, &bob).await);
    close(&bench, inbox).await;

    let inbox = open(&bench).await;
    let parking = inbox.parking();
    assert_eq!(parking.list(), [ann.parked.clone()]);
    let found = find(&bench, &*parking, &ann.parked.subject).await;
    let found = found.expect("it is parked");
    assert_eq!((&found.parked, found.last), (&ann.parked, ann.last));
    assert!(release(&bench, &*parking, &found).await);
    assert_eq!(parking.list(), []);
}
