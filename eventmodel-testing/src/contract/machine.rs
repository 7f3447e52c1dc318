//! Random histories, on the store and on the model, compared at every step.
//!
//! `PROPTEST_CASES` sets how many, `PROPTEST_RNG_SEED` repeats those of a run that failed.

use std::sync::Arc;

use eventmodel::store::{AppendError, Appended, Store};
use eventmodel::{CommandId, Guard, Position, RecordedEvent, Subject};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use tokio::runtime::Handle;

use super::bench::Bench;
use super::draft::{Draft, revision_of, same_events, same_facts};
use super::model::{Histories, INSTANCES, Identity, Model, Outcome, Seen, Step};
use super::within_bounds;

const CASES: u32 = 48;
const STEPS: std::ops::Range<usize> = 1..40;

/// Must be called outside of the runtime, on a thread of its own.
pub(super) fn compare(runtime: &Handle, store: &Arc<dyn Store>) {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => uuid::Uuid::now_v7().as_u64_pair().1,
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let again = format!("PROPTEST_RNG_SEED={seed} PROPTEST_CASES={}", config.cases);
    let outcome = TestRunner::new(config).run(
        &Histories::sequential_strategy(STEPS),
        |(mut model, steps, seen)| {
            runtime.block_on(within_bounds(async {
                let mut history = History::new(Bench::open(store.clone()).await);
                for step in &steps {
                    if let Some(seen) = &seen {
                        seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    history.check_step(&model, step).await;
                    model = Histories::apply(model, step);
                }
                history.check_all(&model).await;
            }));
            Ok::<_, TestCaseError>(())
        },
    );
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, (_, steps, _))) => {
            let steps: Vec<_> = steps.iter().map(|step| format!("{step:?}")).collect();
            let steps = steps.join("\n  ");
            panic!("{reason}\nafter the steps\n  {steps}\nrun again with {again}")
        }
        Err(TestError::Abort(reason)) => panic!("no history was found: {reason}\n{again}"),
    }
}

/// What the store has answered so far.
struct History {
    bench: Bench,
    /// Of each command of the model.
    receipts: Vec<Appended>,
    /// The positions of the versions of each instance.
    versions: Vec<Vec<Position>>,
}

impl History {
    fn new(bench: Bench) -> Self {
        Self {
            bench,
            receipts: Vec::new(),
            versions: vec![vec![Position::START]; INSTANCES],
        }
    }

    fn subject(&self, instance: usize) -> Subject {
        if instance.is_multiple_of(2) {
            self.bench.account(instance)
        } else {
            self.bench.course(instance)
        }
    }

    fn newest(&self, instance: usize) -> Position {
        self.older(instance, 0)
    }

    fn older(&self, instance: usize, by: usize) -> Position {
        let versions = &self.versions[instance];
        versions[(versions.len() - 1).saturating_sub(by)]
    }

    fn last(&self) -> Position {
        let last = self
            .receipts
            .last()
            .and_then(|receipt| receipt.events.last());
        last.map(RecordedEvent::position).unwrap_or_default()
    }

    fn draft(&self, identity: Identity) -> Draft<'_> {
        let id = CommandId::new(&format!("command {}", identity.id)).expect("it is valid");
        let draft = self.bench.command(identity.name).id(&id);
        draft.fingerprint(identity.fingerprint)
    }

    async fn check_step(&mut self, model: &Model, step: &Step) {
        match step {
            Step::Append {
                identity,
                guards,
                events,
            } => {
                let expected = model.outcome(*identity, guards);
                let answer = self.append(*identity, guards, events).await;
                self.check_append(model, expected, answer, step);
            }
            Step::Load { instance, after } => {
                let (subject, newest) = (self.subject(*instance), self.newest(*instance));
                let after = self.older(*instance, *after);
                let loaded = self.bench.load(&subject, after, newest).await;
                assert_eq!(
                    loaded.revision, newest,
                    "the revision of a load of `{subject}`"
                );
                let skipped = self.versions[*instance].iter().position(|p| *p == after);
                let expected = self.events_of(model, *instance, skipped.unwrap_or_default());
                same_facts("a load", &loaded.events, &expected);
            }
            Step::Committed(identity) => {
                let subjects: Vec<_> = (0..INSTANCES).map(|n| self.subject(n)).collect();
                let command = self.draft(*identity).command_ref();
                let found = self.bench.committed(&command, &subjects).await;
                match (model.find(*identity), found) {
                    (None, Ok(None)) | (Some(Err(())), Err(AppendError::IdReused { .. })) => {}
                    (Some(Ok(place)), Ok(Some(found))) => {
                        same_events("a look-up", &found.events, &self.receipts[place].events);
                    }
                    (expected, found) => {
                        panic!("the look-up of {identity:?} gave {found:?}, expected {expected:?}")
                    }
                }
            }
            Step::ReadAll { back } => {
                let kept = self.receipts.len().saturating_sub(*back);
                let (before, rest) = self.receipts.split_at(kept);
                let after = before.last().map_or(Position::START, last_of);
                let expected: Vec<_> = rest.iter().flat_map(|r| r.events.clone()).collect();
                let found = self.bench.read(after, &[]).rest().await;
                same_events("the log", &found, &expected);
            }
            Step::ReadOne(instance) => {
                let subject = self.subject(*instance);
                let reader = self.bench.read(Position::START, &[(&subject).into()]);
                let expected = self.events_of(model, *instance, 0);
                same_events("the log of one instance", &reader.rest().await, &expected);
            }
            Step::Reopen => self.bench.reopen().await,
        }
    }

    async fn append(
        &self,
        identity: Identity,
        guards: &[(usize, Seen)],
        events: &[Vec<usize>],
    ) -> Result<Appended, AppendError> {
        let mut draft = self.draft(identity);
        for (instance, seen) in guards {
            let expected = match seen {
                Seen::Newest => self.newest(*instance),
                Seen::Older(by) => self.older(*instance, *by),
                Seen::Ahead(by) => Position::new(self.last().get() + 100 + by),
            };
            draft = draft.guard(&self.subject(*instance), expected);
        }
        for event in events {
            let subjects: Vec<_> = event.iter().map(|n| self.subject(*n)).collect();
            draft = draft.event(&subjects.iter().collect::<Vec<_>>());
        }
        draft.try_send().await
    }

    fn check_append(
        &mut self,
        model: &Model,
        expected: Outcome,
        answer: Result<Appended, AppendError>,
        step: &Step,
    ) {
        match (expected, answer) {
            (Outcome::Stored, Ok(appended)) if !appended.already_committed => {
                let first = appended.events[0].position();
                assert!(first > self.last(), "position {first} is not the next one");
                for instance in 0..INSTANCES {
                    let subject = self.subject(instance);
                    let revised = |revision: &&Guard| revision.subject == subject;
                    if let Some(revision) = appended.revisions.iter().find(revised) {
                        self.versions[instance].push(revision.expected);
                    }
                }
                self.receipts.push(appended);
            }
            (Outcome::AlreadyCommitted(place), Ok(appended)) if appended.already_committed => {
                let (first, stored) = (&self.receipts[place], &model.commands[place]);
                same_events("a first receipt", &appended.events, &first.events);
                for instance in stored.written() {
                    let subject = self.subject(instance);
                    assert_eq!(
                        revision_of(&appended, &subject),
                        revision_of(first, &subject)
                    );
                }
            }
            (Outcome::IdReused, Err(AppendError::IdReused { .. }))
            | (Outcome::Conflict, Err(AppendError::Conflict { .. })) => {}
            (_, Err(AppendError::Conflict { .. })) if model.may_test_guards_first(step) => {}
            (expected, answer) => panic!("{step:?} must be {expected:?}; the answer is {answer:?}"),
        }
    }

    /// The events of an instance, without those of its first commands.
    fn events_of(&self, model: &Model, instance: usize, skip: usize) -> Vec<RecordedEvent> {
        let wrote = model.commands.iter().zip(&self.receipts);
        let wrote = wrote.filter(|(command, _)| command.written().contains(&instance));
        wrote
            .skip(skip)
            .flat_map(|(command, receipt)| command.events.iter().zip(&receipt.events))
            .filter(|(instances, _)| instances.contains(&instance))
            .map(|(_, event)| event.clone())
            .collect()
    }

    async fn check_all(&self, model: &Model) {
        let expected: Vec<_> = self
            .receipts
            .iter()
            .flat_map(|r| r.events.clone())
            .collect();
        same_events("the log, at last", &self.bench.all().await, &expected);
        assert_eq!(self.bench.last_position().await, self.last());
        for instance in 0..INSTANCES {
            let (subject, newest) = (self.subject(instance), self.newest(instance));
            assert_eq!(self.bench.revision(&subject).await, newest);
            let history = self.bench.history(&subject, newest).await;
            same_facts(
                "a history, at last",
                &history,
                &self.events_of(model, instance, 0),
            );
        }
    }
}

fn last_of(receipt: &Appended) -> Position {
    receipt.events[receipt.events.len() - 1].position()
}
