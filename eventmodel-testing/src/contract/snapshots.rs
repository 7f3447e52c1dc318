//! Snapshots, for stores that keep them: what is loaded is always the whole truth up to the revision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eventmodel::Position;
use eventmodel::record::Subject;
use eventmodel::store::LoadedSnapshot;
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{revision_of, same_events};
use super::join_all;

const FOLD: u64 = 0x00f0_1d00_0000_0001;
const OTHER_FOLD: u64 = u64::MAX;
const NO_FOLD: u64 = 0;

/// Whether the store keeps snapshots at all.
fn keeps_none(bench: &Bench) -> bool {
    bench.store.limits().snapshot == 0
}

/// Snapshots of one instance, as they were sent.
#[derive(Default)]
struct Sent(Vec<(u64, LoadedSnapshot)>);

impl Sent {
    fn note(&mut self, fold: u64, position: Position, state: &str) {
        let state = state.to_owned().into();
        self.0.push((fold, LoadedSnapshot { position, state }));
    }

    /// Loads the instance from a snapshot of this fold. What is given back must be one that was sent with the event
    /// at its position, and the events must be all that come after it.
    async fn load(
        &self,
        bench: &Bench,
        subject: &Subject,
        fold: u64,
        tail: Position,
    ) -> Option<LoadedSnapshot> {
        let loaded = bench.load_snapshot(subject, fold, tail).await;
        assert_eq!(loaded.revision, tail, "the revision of `{subject}`");
        let mut history = bench.history(subject, tail).await;
        if let Some(snapshot) = &loaded.snapshot {
            let of_fold = |(of, _): &&(u64, LoadedSnapshot)| *of == fold;
            let sent: Vec<_> = self.0.iter().filter(of_fold).map(|(_, s)| s).collect();
            assert!(
                sent.contains(&snapshot),
                "the snapshot {snapshot:?} was not sent so, but {sent:?}"
            );
            history.retain(|event| event.position() > snapshot.position);
        }
        same_events("what comes after a snapshot", &loaded.events, &history);
        loaded.snapshot
    }
}

pub async fn the_snapshot_of_the_last_event_is_loaded(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let (account, other) = (bench.account(1), bench.account(2));
    let (mut tail, mut other_tail) = (Position::START, Position::START);
    let mut sent = Sent::default();
    assert_eq!(sent.load(&bench, &account, FOLD, tail).await, None);
    for n in 0..10 {
        let state = n.to_string();
        let mut draft = bench.command("Deposit").on(&account, tail);
        for _ in 0..n % 3 {
            draft = draft.event(&[&account]);
        }
        let appended = draft.snapshot(&account, FOLD, state.clone()).send().await;
        tail = revision_of(&appended, &account);
        sent.note(FOLD, tail, &state);
        let appended = bench.command("Deposit").on(&other, other_tail);
        let appended = appended.snapshot(&other, FOLD, "\"other\"").send().await;
        other_tail = revision_of(&appended, &other);
        let loaded = sent.load(&bench, &account, FOLD, tail).await;
        let newest = sent.0.last().map(|(_, snapshot)| snapshot.clone());
        assert_eq!(loaded, newest, "the snapshot of the last event");
    }
}

pub async fn a_snapshot_is_only_for_its_fold(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let account = bench.account(1);
    let mut sent = Sent::default();
    let draft = bench.command("Open").on(&account, Position::START);
    let draft = draft.snapshot(&account, FOLD, "1");
    let draft = draft.snapshot(&account, OTHER_FOLD, "2");
    let mut tail = revision_of(&draft.send().await, &account);
    sent.note(FOLD, tail, "1");
    sent.note(OTHER_FOLD, tail, "2");
    for (fold, _) in &sent.0 {
        let loaded = sent.load(&bench, &account, *fold, tail).await;
        assert!(loaded.is_some(), "one of two snapshots of an instance");
    }
    assert_eq!(sent.load(&bench, &account, NO_FOLD, tail).await, None);

    let draft = bench.command("Deposit").on(&account, tail);
    let draft = draft.snapshot(&account, OTHER_FOLD, "3");
    tail = revision_of(&draft.send().await, &account);
    sent.note(OTHER_FOLD, tail, "3");
    for fold in [FOLD, NO_FOLD, OTHER_FOLD] {
        sent.load(&bench, &account, fold, tail).await;
    }
}

pub async fn a_snapshot_is_only_for_who_asks_for_it(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let account = bench.account(1);
    let draft = bench.command("Open").on(&account, Position::START);
    let draft = draft.event(&[&account]).snapshot(&account, FOLD, "1");
    let appended = draft.send().await;
    let tail = revision_of(&appended, &account);
    let loaded = bench.load(&account, Position::START, tail).await;
    assert_eq!(loaded.snapshot, None);
    same_events("the history", &loaded.events, &appended.events);
}

pub async fn an_older_snapshot_is_never_the_newest_state(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let account = bench.account(1);
    let (mut tail, mut sent) = (Position::START, Sent::default());
    for n in 0..12 {
        let state = n.to_string();
        let mut draft = bench.command("Deposit").on(&account, tail);
        for _ in 0..n % 2 {
            draft = draft.event(&[&account]);
        }
        let folds = match n % 4 {
            0 => &[FOLD][..],
            1 => &[OTHER_FOLD],
            2 => &[],
            _ => &[OTHER_FOLD, FOLD],
        };
        for fold in folds {
            draft = draft.snapshot(&account, *fold, state.clone());
        }
        tail = revision_of(&draft.send().await, &account);
        for fold in folds {
            sent.note(*fold, tail, &state);
        }
        for fold in [FOLD, OTHER_FOLD, NO_FOLD] {
            sent.load(&bench, &account, fold, tail).await;
        }
    }
}

pub async fn an_append_that_is_not_stored_leaves_no_snapshot(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let account = bench.account(1);
    let mut sent = Sent::default();
    let first = bench.command("Open").on(&account, Position::START);
    let first_tail = revision_of(&first.send().await, &account);
    let refused = bench.command("Deposit").on(&account, Position::START);
    refused.snapshot(&account, FOLD, "-1").must_conflict().await;
    assert_eq!(sent.load(&bench, &account, FOLD, first_tail).await, None);

    let second = bench.command("Deposit").on(&account, first_tail);
    let second = second.snapshot(&account, FOLD, "2");
    let tail = revision_of(&second.send().await, &account);
    sent.note(FOLD, tail, "2");
    first.snapshot(&account, FOLD, "-2").send_again().await;
    let loaded = sent.load(&bench, &account, FOLD, tail).await;
    assert!(loaded.is_some(), "the second event is the last one");
}

pub async fn an_event_of_two_streams_has_a_snapshot_in_each(bench: Bench) {
    if keeps_none(&bench) {
        return;
    }
    let (course, student) = (bench.course(1), bench.student(2));
    let (mut of_course, mut of_student) = (Sent::default(), Sent::default());
    let draft = bench
        .command("Enroll")
        .guard(&course, Position::START)
        .guard(&student, Position::START)
        .event(&[&course, &student])
        .snapshot(&student, FOLD, "\"student\"")
        .snapshot(&course, FOLD, "\"course\"");
    let appended = draft.send().await;
    let mut tail = revision_of(&appended, &course);
    let student_tail = revision_of(&appended, &student);
    of_course.note(FOLD, tail, "\"course\"");
    of_student.note(FOLD, student_tail, "\"student\"");
    let loaded = of_course.load(&bench, &course, FOLD, tail).await;
    assert!(loaded.is_some(), "the course has a snapshot");

    let draft = bench.command("Rename").on(&course, tail);
    tail = revision_of(&draft.send().await, &course);
    of_course.load(&bench, &course, FOLD, tail).await;
    let loaded = of_student.load(&bench, &student, FOLD, student_tail).await;
    assert!(
        loaded.is_some(),
        "the last event of the student is still the same"
    );
}

pub async fn a_snapshot_of_the_largest_size_is_intact(bench: Bench) {
    /// Beyond this, size is not what makes a difference.
    const ENOUGH: usize = 64 * 1024;

    if keeps_none(&bench) {
        return;
    }
    let size = bench.store.limits().snapshot.min(ENOUGH);
    let mut state = String::from("\"");
    for part in [
        r#"{\"a\": [1, 2]}"#,
        "%0a%",
        r"\r\n\\",
        "Zoë",
        "…",
        "😀",
        ": ; =",
    ] {
        if state.len() + part.len() < size {
            state += part;
        }
    }
    state += &"x".repeat(size.saturating_sub(state.len() + 1));
    state += "\"";
    let account = bench.account(1);
    let draft = bench.command("Open").on(&account, Position::START);
    let draft = draft.snapshot(&account, FOLD, state.clone());
    let tail = revision_of(&draft.send().await, &account);
    let mut sent = Sent::default();
    sent.note(FOLD, tail, &state);
    let loaded = sent.load(&bench, &account, FOLD, tail).await;
    assert!(loaded.is_some(), "there is no snapshot of {size} bytes");
}

pub async fn a_snapshot_is_whole_while_others_write(bench: Bench) {
    const WRITES: usize = 60;

    if keeps_none(&bench) {
        return;
    }
    let account = bench.account(1);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (bench, account, is_over) = (bench.clone(), account.clone(), is_over.clone());
        // What was counted at each revision that was seen.
        readers.spawn(async move {
            let mut seen = Vec::new();
            loop {
                let is_last = is_over.load(Ordering::Acquire);
                let start = Position::START;
                let loaded = bench.load_snapshot(&account, FOLD, start).await;
                let before = loaded.snapshot.map_or(0, |snapshot| {
                    serde_json::from_slice(&snapshot.state).expect("a count")
                });
                seen.push((before + loaded.events.len(), loaded.revision));
                if is_last {
                    return seen;
                }
            }
        });
    }
    let mut tail = Position::START;
    for n in 1..=WRITES {
        let mut draft = bench.command("Deposit").on(&account, tail);
        if n % 5 > 0 {
            draft = draft.snapshot(&account, FOLD, n.to_string());
        }
        tail = revision_of(&draft.send().await, &account);
    }
    is_over.store(true, Ordering::Release);
    let history = bench.history(&account, tail).await;
    for (count, revision) in join_all(readers).await.into_iter().flatten() {
        let last = count.checked_sub(1).and_then(|last| history.get(last));
        let expected = last.map_or(Position::START, eventmodel::RecordedEvent::position);
        assert_eq!(revision, expected, "the revision of {count} events");
    }
}
