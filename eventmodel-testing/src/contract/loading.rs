//! Loading one instance, its revision, and the end of the log.

use eventmodel::{Position, RecordedEvent};
use futures_util::StreamExt;

use super::bench::Bench;
use super::draft::{revision_of, same_events};

pub async fn an_instance_without_events_is_empty(bench: Bench) {
    let (account, other) = (bench.account(1), bench.account(2));
    for _ in 0..2 {
        let loaded = bench.load(&account, Position::START, Position::START).await;
        same_events("an empty instance", &loaded.events, &[]);
        assert_eq!(loaded.revision, Position::START);
        assert_eq!(bench.revision(&account).await, Position::START);
        let opened = bench
            .command("Open")
            .on(&other, bench.revision(&other).await);
        opened.send().await;
    }
}

pub async fn an_instance_is_loaded_after_a_revision(bench: Bench) {
    let (account, other) = (bench.account(1), bench.account(2));
    let (mut tail, mut other_tail) = (Position::START, Position::START);
    let mut stored = Vec::new();
    for _ in 0..12 {
        let appended = bench
            .command("Deposit")
            .on(&account, tail)
            .event(&[&account]);
        let appended = appended.send().await;
        tail = revision_of(&appended, &account);
        stored.extend(appended.events);
        let appended = bench.command("Deposit").on(&other, other_tail).send().await;
        other_tail = revision_of(&appended, &other);
    }
    let revisions: Vec<_> = stored.iter().map(RecordedEvent::position).collect();
    for after in [&[Position::START], &revisions[..]].concat() {
        let expected: Vec<_> = stored
            .iter()
            .filter(|e| e.position() > after)
            .cloned()
            .collect();
        let loaded = bench.load(&account, after, tail).await;
        same_events(&format!("loaded after {after}"), &loaded.events, &expected);
        assert_eq!(
            loaded.revision, tail,
            "the revision does not depend on `after`"
        );
    }
}

pub async fn a_load_knows_of_the_event_it_is_told_of(bench: Bench) {
    let account = bench.account(1);
    let mut tail = Position::START;
    for n in 1..=100 {
        let appended = bench.command("Deposit").on(&account, tail).send().await;
        let before = tail;
        tail = revision_of(&appended, &account);
        let loaded = bench.load(&account, Position::START, tail).await;
        assert_eq!(loaded.events.len(), n, "the load is shorter than its floor");
        assert_eq!(loaded.revision, tail);
        let new = bench.load(&account, before, tail).await;
        same_events("what is new", &new.events, &appended.events);
    }
}

pub async fn an_instance_of_ten_thousand_events_is_loaded(bench: Bench) {
    let account = bench.account(1);
    let mut tail = Position::START;
    let mut stored = Vec::new();
    for _ in 0..20 {
        let draft = bench.command("Import").guard(&account, tail);
        let draft = (0..500).fold(draft, |draft, _| draft.event(&[&account]));
        let appended = draft.send().await;
        tail = revision_of(&appended, &account);
        stored.extend(appended.events);
    }
    let loaded = bench.load(&account, Position::START, tail).await;
    same_events("the history", &loaded.events, &stored);
    assert_eq!(loaded.revision, tail);
    let after = stored[7_776].position();
    let loaded = bench.load(&account, after, tail).await;
    same_events("the end of the history", &loaded.events, &stored[7_777..]);
    same_events("the log", &bench.all().await, &stored);
}

pub async fn ten_thousand_instances_are_told_apart(bench: Bench) {
    const INSTANCES: usize = 10_000;
    let bench = &bench;
    let mut revisions: Vec<_> = futures_util::stream::iter(0..INSTANCES)
        .map(|n| async move {
            let account = bench.account(n);
            let draft = bench.command("Open").on(&account, Position::START);
            let appended = draft.payload(format!(r#"{{"account":{n}}}"#)).send().await;
            (n, revision_of(&appended, &account))
        })
        .buffer_unordered(64)
        .collect()
        .await;
    revisions.sort_unstable();
    futures_util::stream::iter(revisions)
        .for_each_concurrent(64, |(n, revision)| async move {
            let account = bench.account(n);
            let loaded = bench.load(&account, Position::START, revision).await;
            assert_eq!(loaded.events.len(), 1, "`{account}` has one event");
            assert_eq!(loaded.revision, revision);
            let payload = format!(r#"{{"account":{n}}}"#);
            assert_eq!(loaded.events[0].payload(), payload.as_bytes());
        })
        .await;
    let all = bench.all().await;
    assert_eq!(all.len(), INSTANCES);
    assert!(all.is_sorted_by(|a, b| a.position() < b.position()));
}

pub async fn the_last_position_is_that_of_the_last_event(bench: Bench) {
    assert_eq!(bench.last_position().await, Position::START);
    let (course, student) = (bench.course(1), bench.student(1));
    let one = bench.command("Plan").on(&course, Position::START);
    let read_only = bench.command("Book").on(&student, Position::START);
    let read_only = read_only.guard(&bench.account(1), Position::START);
    for draft in [one, read_only] {
        let appended = draft.send().await;
        let last = appended.events[appended.events.len() - 1].position();
        assert_eq!(bench.last_position().await, last);
    }
    // The end of the log is an event that readers get, whatever else a store keeps beside it.
    let both = bench.command("Enrol").event(&[&course, &student]);
    let both = both.guard(&course, bench.revision(&course).await);
    let both = both.guard(&student, bench.revision(&student).await);
    let last = both.send().await.events[0].position();
    assert_eq!(bench.last_position().await, last);
    let end = bench.all().await.pop().map(|event| event.position());
    assert_eq!(end, Some(last));
    let stale = bench.command("Plan").on(&course, Position::START);
    stale.must_conflict().await;
    assert_eq!(bench.last_position().await, last);
}
