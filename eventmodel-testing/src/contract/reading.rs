//! Reading a log: each event once, in order, from any position.

use eventmodel::record::SubjectPattern;
use eventmodel::{Position, RecordedEvent};

use super::bench::Bench;
use super::draft::{revision_of, same_events};

/// Ten commands of one to three events each, over a few instances.
async fn write_some(bench: &Bench) -> Vec<RecordedEvent> {
    let mut stored = Vec::new();
    for n in 0..10 {
        let (account, seat) = (bench.account(n), bench.seat(n % 3, n));
        let mut draft = bench.command("Write").on(&account, Position::START);
        if n % 2 == 0 {
            draft = draft.guard(&seat, Position::START).event(&[&seat]);
        }
        if n % 4 == 0 {
            draft = draft.event(&[&seat, &account]);
        }
        stored.extend(draft.send().await.events);
    }
    stored
}

pub async fn a_log_is_read_in_the_order_it_was_written(bench: Bench) {
    let stored = write_some(&bench).await;
    assert!(stored.is_sorted_by(|a, b| a.position() < b.position()));
    let first = stored[0].position();
    assert!(first > Position::START, "positions start at 1");
    same_events("the log", &bench.all().await, &stored);
}

pub async fn a_log_is_read_from_any_position(bench: Bench) {
    let stored = write_some(&bench).await;
    let last = stored[stored.len() - 1].position().get();
    // Positions that no event has are positions too.
    for after in 0..=last + 2 {
        let after = Position::new(after);
        let expected: Vec<_> = stored
            .iter()
            .filter(|e| e.position() > after)
            .cloned()
            .collect();
        let found = bench.read(after, &[]).rest().await;
        same_events(&format!("after {after}"), &found, &expected);
    }
    let nothing = bench.read(Position::new(u64::MAX), &[]).rest().await;
    same_events("after the greatest position", &nothing, &[]);
}

pub async fn a_read_that_does_not_follow_ends(bench: Bench) {
    same_events("an empty log", &bench.all().await, &[]);
    let stored = write_some(&bench).await;
    same_events("the log", &bench.all().await, &stored);
    let none = [bench.pattern("student.*")];
    let found = bench.read(Position::START, &none).rest().await;
    same_events("events of a stream that has none", &found, &[]);
}

pub async fn a_follower_gets_what_is_appended_later(bench: Bench) {
    let account = bench.account(1);
    let mut from_start = bench.follow(Position::START, &[]);
    let mut tail = Position::START;
    let mut stored = Vec::new();
    for _ in 0..20 {
        let draft = bench.command("Deposit").on(&account, tail);
        // The follower is at the end of the log, and waits there, before there is more.
        let (next, appended) = tokio::join!(biased; from_start.next(), draft.send());
        tail = revision_of(&appended, &account);
        same_events("the next event", &[next], &appended.events);
        stored.extend(appended.events);
    }
    let middle = stored[9].position();
    let mut from_middle = bench.follow(middle, &[]);
    same_events("the rest", &from_middle.up_to(tail).await, &stored[10..]);
}

pub async fn a_follower_at_the_end_gets_only_what_is_new(bench: Bench) {
    let stored = write_some(&bench).await;
    let end = bench.last_position().await;
    assert_eq!(end, stored[stored.len() - 1].position());
    let mut follower = bench.follow(end, &[]);
    let new = bench
        .command("Open")
        .on(&bench.account("new"), Position::START);
    let new = new.send().await;
    same_events("the next event", &[follower.next().await], &new.events);
}

pub async fn a_reader_chooses_by_subject(bench: Bench) {
    let mut stored = Vec::new();
    for row in 0..4 {
        for number in 0..4 {
            let seat = bench.seat(row, number);
            let appended = bench.command("Reserve").on(&seat, Position::START);
            stored.extend(appended.send().await.events);
        }
        let account = bench.account(row);
        let appended = bench.command("Open").on(&account, Position::START);
        stored.extend(appended.send().await.events);
    }
    let choices: [&[&str]; 10] = [
        &["seat.2.3"],
        &["seat.*.3"],
        &["seat.2.*"],
        &["seat.2.>"],
        &["seat.>"],
        &["*.1"],
        &[">"],
        &["seat.1.1", "account.2"],
        &["seat.1.*", "seat.*.1", "seat.>"],
        &["seat", "seat.*", "account.*.*", "accoun.*", "student.>"],
    ];
    for choice in choices {
        let patterns: Vec<_> = choice.iter().map(|text| bench.pattern(text)).collect();
        let expected = chosen(&stored, &patterns);
        let found = bench.read(Position::START, &patterns).rest().await;
        same_events(&format!("the events on {choice:?}"), &found, &expected);
        if let Some(last) = expected.last() {
            let mut follower = bench.follow(Position::START, &patterns);
            let found = follower.up_to(last.position()).await;
            same_events(&format!("followed, {choice:?}"), &found, &expected);
        }
    }
}

pub async fn a_follower_chooses_by_subject(bench: Bench) {
    let mut follower = bench.follow(Position::START, &[bench.pattern("seat.*.1")]);
    let mut expected = Vec::new();
    for n in 0..20 {
        let seat = bench.seat(n, n % 2);
        let appended = bench.command("Reserve").on(&seat, Position::START);
        let appended = appended.send().await;
        if n % 2 == 1 {
            expected.extend(appended.events);
        }
    }
    let last = expected[expected.len() - 1].position();
    same_events("the chosen events", &follower.up_to(last).await, &expected);
}

pub async fn a_log_is_told_from_another(bench: Bench) {
    let incarnation = |bench: &Bench| bench.store.incarnation(&bench.log);
    let own = incarnation(&bench).expect("the log is open");
    bench
        .command("Reserve")
        .on(&bench.seat(1, 1), Position::START)
        .send()
        .await;
    assert_eq!(incarnation(&bench).ok(), Some(own), "it is the same log");
    let other = Bench::open(bench.store.clone()).await;
    assert_ne!(incarnation(&other).ok(), Some(own), "it is another log");
    assert!(bench.store.incarnation(&"no-such-log".into()).is_err());
}

pub(super) fn chosen(events: &[RecordedEvent], patterns: &[SubjectPattern]) -> Vec<RecordedEvent> {
    let fits = |event: &&RecordedEvent| {
        let subjects = &event.metadata().subjects;
        let fits_one = |pattern: &SubjectPattern| subjects.iter().any(|s| pattern.matches(s));
        patterns.iter().any(fits_one)
    };
    events.iter().filter(fits).cloned().collect()
}
