//! Events that belong to several streams: one fact, seen by each.
//!
//! A store may keep a copy on each subject. So a position that is read on one subject says nothing about another
//! one: revisions come from receipts and loads.

use eventmodel::store::Appended;
use eventmodel::{Position, Subject, SubjectPattern};

use super::bench::Bench;
use super::draft::{revision_of, same_events, same_facts};

async fn enrol(bench: &Bench, course: &Subject, student: &Subject) -> Appended {
    bench
        .command("Enrol")
        .guard(course, bench.revision(course).await)
        .guard(student, bench.revision(student).await)
        .event(&[course, student])
        .send()
        .await
}

pub async fn an_event_of_two_streams_is_in_the_history_of_both(bench: Bench) {
    let (course, student) = (bench.course("rust"), bench.student("ada"));
    let planned = bench.command("Plan").on(&course, Position::START).send();
    let planned = planned.await;
    let enrolled = enrol(&bench, &course, &student).await;
    let history = bench
        .history(&course, revision_of(&enrolled, &course))
        .await;
    let expected = [planned.events[0].clone(), enrolled.events[0].clone()];
    same_events("the history of its first stream", &history, &expected);
    let history = bench
        .history(&student, revision_of(&enrolled, &student))
        .await;
    same_facts(
        "the history of its second stream",
        &history,
        &enrolled.events,
    );
    let subjects = &history[0].metadata().subjects;
    assert_eq!(**subjects, [course, student]);
}

pub async fn an_event_of_two_streams_moves_the_revision_of_both(bench: Bench) {
    let (course, student) = (bench.course("rust"), bench.student("ada"));
    let enrolled = enrol(&bench, &course, &student).await;
    for subject in [&course, &student] {
        let revision = revision_of(&enrolled, subject);
        assert!(revision > Position::START);
        assert_eq!(
            bench.revision(subject).await,
            revision,
            "the revision of `{subject}` is not that of the receipt"
        );
        let loaded = bench.load(subject, Position::START, revision).await;
        assert_eq!(
            loaded.revision, revision,
            "the revision that a load of `{subject}` tells is not that of the receipt"
        );
        let nothing = bench.load(subject, revision, revision).await;
        same_events("after the revision", &nothing.events, &[]);
        assert_eq!(nothing.revision, revision);
    }
}

pub async fn either_of_its_streams_can_be_continued(bench: Bench) {
    let (course, student) = (bench.course("rust"), bench.student("ada"));
    let enrolled = enrol(&bench, &course, &student).await;
    for subject in [&course, &student] {
        let stale = bench.command("Change").on(subject, Position::START);
        stale.must_conflict().await;
        let before = revision_of(&enrolled, subject);
        let changed = bench.command("Change").on(subject, before).send().await;
        let revision = revision_of(&changed, subject);
        let new = bench.load(subject, before, revision).await;
        same_events("after the event of both", &new.events, &changed.events);
        assert_eq!(bench.history(subject, revision).await.len(), 2);
    }
}

pub async fn a_guard_on_either_of_its_streams_refuses_it(bench: Bench) {
    let (course, student) = (bench.course("rust"), bench.student("ada"));
    let enrolled = enrol(&bench, &course, &student).await;
    for (course_seen, student_seen) in [
        (Position::START, revision_of(&enrolled, &student)),
        (revision_of(&enrolled, &course), Position::START),
    ] {
        let again = bench.command("Enrol").guard(&course, course_seen);
        let again = again.guard(&student, student_seen);
        again.event(&[&course, &student]).must_conflict().await;
    }
    same_events("the log", &bench.all().await, &enrolled.events);
    assert_eq!(
        bench.revision(&course).await,
        revision_of(&enrolled, &course)
    );
    assert_eq!(
        bench.revision(&student).await,
        revision_of(&enrolled, &student)
    );
}

pub async fn an_event_of_several_streams_is_delivered_once(bench: Bench) {
    let (course, other) = (bench.course("rust"), bench.course("nats"));
    let students: Vec<_> = (0..3).map(|n| bench.student(n)).collect();
    let mut stored = Vec::new();
    for student in &students {
        stored.extend(enrol(&bench, &course, student).await.events);
        stored.extend(enrol(&bench, &other, student).await.events);
    }
    same_events("the log", &bench.all().await, &stored);

    let read =
        async |patterns: &[SubjectPattern]| bench.read(Position::START, patterns).rest().await;
    let of = |subject: &Subject| -> Vec<_> {
        let belongs = |e: &&eventmodel::RecordedEvent| e.metadata().subjects.contains(subject);
        stored.iter().filter(belongs).cloned().collect()
    };
    let first = read(&[(&course).into()]).await;
    same_events("readers of its first stream", &first, &of(&course));
    let second = read(&[(&students[1]).into()]).await;
    same_events("readers of its second stream", &second, &of(&students[1]));
    for patterns in [
        vec![bench.pattern("course.*")],
        vec![bench.pattern("student.*")],
        vec![bench.pattern(">")],
        vec![bench.pattern("student.*"), bench.pattern("course.*")],
        vec![bench.pattern("*.rust"), bench.pattern("student.*")],
    ] {
        let found = read(&patterns).await;
        same_events(&format!("readers of {patterns:?}"), &found, &stored);
    }
    let mut follower = bench.follow(Position::START, &[(&students[2]).into()]);
    let expected = of(&students[2]);
    let last = expected[expected.len() - 1].position();
    same_events("followers", &follower.up_to(last).await, &expected);
}

pub async fn a_reader_goes_on_after_an_event_of_two_streams(bench: Bench) {
    let (course, student) = (bench.course("rust"), bench.student("ada"));
    let mut stored = Vec::new();
    for _ in 0..4 {
        stored.extend(enrol(&bench, &course, &student).await.events);
    }
    for (n, event) in stored.iter().enumerate() {
        for patterns in [vec![], vec![(&course).into()], vec![(&student).into()]] {
            let rest = bench.read(event.position(), &patterns).rest().await;
            same_events("the rest", &rest, &stored[n + 1..]);
        }
    }
}

pub async fn several_events_of_several_streams_are_appended_together(bench: Bench) {
    let (course, ada, bob) = (bench.course(1), bench.student("ada"), bench.student("bob"));
    let append = bench.command("EnrolAll").guard(&ada, Position::START);
    let append = append
        .guard(&course, Position::START)
        .guard(&bob, Position::START);
    let append = append.event(&[&course, &ada]).event(&[&bob, &course, &ada]);
    let stored = append.event(&[&ada]).event(&[&course]).send().await;
    same_events("the log", &bench.all().await, &stored.events);
    for (subject, places) in [
        (&course, vec![0, 1, 3]),
        (&ada, vec![0, 1, 2]),
        (&bob, vec![1]),
    ] {
        let revision = revision_of(&stored, subject);
        assert_eq!(bench.revision(subject).await, revision);
        let expected: Vec<_> = places.iter().map(|n| stored.events[*n].clone()).collect();
        let history = bench.history(subject, revision).await;
        same_facts(&format!("the history of `{subject}`"), &history, &expected);
    }
}
