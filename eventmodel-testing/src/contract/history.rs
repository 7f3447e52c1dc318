//! A concurrent history has one order: replayed in the order of the log, the guards of each winner hold where it
//! stands, and each loser had a reason to lose.
//!
//! The writers go in rounds, so that the interval of every attempt is known in terms of the log: from what was
//! stored before its round to what is stored after it.

use std::collections::HashMap;
use std::sync::Arc;

use eventmodel::store::{AppendError, Appended};
use eventmodel::{CommandId, Guard, Position, RecordedEvent, Subject};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::bench::Bench;
use super::draft::{revision_of, same_events};
use super::join_all;

const WRITERS: u64 = 6;
const ROUNDS: u64 = 50;
const INSTANCES: u64 = 4;

struct Attempt {
    round: u64,
    guards: Vec<Guard>,
    answer: Result<Appended, (Option<Subject>, Option<Position>)>,
}

/// Small numbers that follow from the writer, the round and a place, so that a run can be repeated.
fn draw(writer: u64, round: u64, place: u64, below: u64) -> u64 {
    let mixed = ((writer << 40) | (round << 20) | place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 33) % below
}

async fn write(bench: Bench, barrier: Arc<Barrier>, writer: u64) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for round in 0..ROUNDS {
        let draw = |place, below| draw(writer, round, place, below);
        // Two or three instances: some are written, the others only read.
        let first = draw(0, INSTANCES);
        let count = 1 + draw(1, 3);
        let instances: Vec<_> = (0..count)
            .map(|n| bench.account((first + n) % INSTANCES))
            .collect();
        let mut guards = Vec::new();
        for (n, subject) in (2..).zip(&instances) {
            let mut expected = bench.revision(subject).await;
            if draw(n * 10, 12) == 0 {
                expected = Position::new(expected.get().saturating_sub(1));
            }
            guards.push(Guard {
                subject: subject.clone(),
                expected,
            });
        }
        barrier.wait().await;
        let mut draft = bench.command("Write");
        for guard in &guards {
            draft = draft.guard(&guard.subject, guard.expected);
        }
        draft = match (draw(3, 3), &instances[..]) {
            (0, [a, b, ..]) => draft.event(&[a, b]),
            (1, [a, b, ..]) => draft.event(&[a]).event(&[b]),
            (_, [a, ..]) => draft.event(&[a]),
            (_, []) => unreachable!("there is at least one instance"),
        };
        let answer = match draft.try_send().await {
            Ok(appended) => Ok(appended),
            Err(AppendError::Conflict { subject, actual }) => Err((subject, actual)),
            Err(error) => panic!("writer {writer}, round {round}: {error}"),
        };
        attempts.push(Attempt {
            round,
            guards,
            answer,
        });
        barrier.wait().await;
    }
    attempts
}

pub async fn a_concurrent_history_has_one_order(bench: Bench) {
    let barrier = Arc::new(Barrier::new(usize::try_from(WRITERS).expect("it is small")));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(bench.clone(), barrier.clone(), writer));
    }
    let attempts: Vec<_> = join_all(writers).await.into_iter().flatten().collect();
    let all = bench.all().await;
    let states = replay(&attempts, &all);
    let winners = attempts
        .iter()
        .filter(|attempt| attempt.answer.is_ok())
        .count();
    assert!(
        winners > 0 && winners < attempts.len(),
        "the rounds prove nothing"
    );
    for attempt in &attempts {
        if let Err((subject, actual)) = &attempt.answer {
            check_loser(attempt, subject.as_ref(), *actual, &states, &attempts);
        }
    }
}

/// The revisions after each winner, and the round it won in; at first those of the empty log.
struct State {
    round: Option<u64>,
    revisions: HashMap<Subject, Position>,
}

impl State {
    fn holds(&self, guard: &Guard) -> bool {
        self.revision(&guard.subject) == guard.expected
    }

    fn revision(&self, subject: &Subject) -> Position {
        self.revisions.get(subject).copied().unwrap_or_default()
    }
}

fn replay(attempts: &[Attempt], all: &[RecordedEvent]) -> Vec<State> {
    let mut winners: HashMap<&CommandId, (&Attempt, &Appended)> = HashMap::new();
    for attempt in attempts {
        if let Ok(appended) = &attempt.answer {
            let id = &appended.events[0].metadata().command.id;
            winners.insert(id, (attempt, appended));
        }
    }
    let mut states = vec![State {
        round: None,
        revisions: HashMap::new(),
    }];
    let mut rest = all;
    while let Some(event) = rest.first() {
        let id = &event.metadata().command.id;
        let (attempt, appended) = winners
            .remove(id)
            .unwrap_or_else(|| panic!("`{id}` is in the log, and was refused or is there twice"));
        let (events, behind) = rest.split_at(appended.events.len().min(rest.len()));
        same_events("the events of a winner", events, &appended.events);
        rest = behind;
        let before = &states[states.len() - 1];
        for guard in &attempt.guards {
            assert!(
                before.holds(guard),
                "a command of round {} was stored at {}, where `{}` was at {} and not at {}",
                attempt.round,
                event.position(),
                guard.subject,
                before.revision(&guard.subject),
                guard.expected
            );
        }
        let mut revisions = before.revisions.clone();
        for revision in &appended.revisions {
            let revised = revision_of(appended, &revision.subject);
            revisions.insert(revision.subject.clone(), revised);
        }
        let round = Some(attempt.round);
        assert!(round >= before.round, "the log is not in the order of time");
        states.push(State { round, revisions });
    }
    assert!(
        winners.is_empty(),
        "an append was acknowledged and is not in the log"
    );
    states
}

/// A guard did not hold at some point of the round. A store that cannot tell which one may also refuse what meets
/// another command's guard on the same instance on its way.
fn check_loser(
    loser: &Attempt,
    subject: Option<&Subject>,
    actual: Option<Position>,
    states: &[State],
    attempts: &[Attempt],
) {
    let before = states.iter().rfind(|state| state.round < Some(loser.round));
    let during = states
        .iter()
        .filter(|state| state.round == Some(loser.round));
    let interval: Vec<_> = before.into_iter().chain(during).collect();
    let failed = |guard: &Guard| interval.iter().any(|state| !state.holds(guard));
    if let (Some(subject), Some(actual)) = (subject, actual) {
        let guard = loser.guards.iter().find(|guard| guard.subject == *subject);
        let guard = guard.unwrap_or_else(|| panic!("no guard is on `{subject}`"));
        assert_ne!(actual, guard.expected, "the guard on `{subject}` holds");
        assert!(
            interval
                .iter()
                .any(|state| state.revision(subject) == actual),
            "`{subject}` was never at {actual} in round {}",
            loser.round
        );
        return;
    }
    let met = || {
        attempts.iter().any(|winner| {
            winner.round == loser.round
                && winner.answer.is_ok()
                && winner.guards.iter().any(|theirs| {
                    loser
                        .guards
                        .iter()
                        .any(|ours| ours.subject == theirs.subject)
                })
        })
    };
    assert!(
        loser.guards.iter().any(failed) || met(),
        "a command of round {} was refused, and its guards held all the time: {:?}",
        loser.round,
        loser.guards
    );
}
