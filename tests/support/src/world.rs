//! Several apps on one log, clients that do not give up easily, and what must hold in the end.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventmodel::Store;
use eventmodel::store::{Item, Read};
use eventmodel::{
    App, AppOptions, Decide, Decision, EventModel, ExecuteError, ExecuteOptions, Key, MemoryStore,
    Position, Projection, Receipt, RecordedEvent, Stream,
};
use eventmodel_testing::{Faults, FaultyStore};
use futures_util::{StreamExt, TryStreamExt};

/// Longer than anything takes, also on a clock that is not paused.
const LONG: Duration = Duration::from_secs(300);

/// How often a client sends a command again, with the same id, before it gives up.
const ATTEMPTS: usize = 12;

/// As often where an outage takes its time.
const REAL_ATTEMPTS: usize = 1_000;

/// The decisions that a command may come to on what stands in a log, and, as far as it is only consulted, in the first
/// events of the same log, more or fewer of them.
pub type Decisions<C> = fn(&C, &[RecordedEvent], &[RecordedEvent]) -> Vec<Decision<C>>;

/// The state of an instance after a part of a log.
pub fn fold<P>(log: &[RecordedEvent], key: &P::Key) -> P
where
    P: Projection<Key: Stream>,
{
    let subject = key.subject().unwrap();
    let mut state = P::default();
    for event in log {
        if event.metadata().subjects.contains(&subject) {
            state.apply(event).unwrap();
        }
    }
    state
}

pub struct World {
    /// Tells what is really recorded.
    truth: Arc<dyn Store>,
    faulty: Option<FaultyStore>,
    apps: Vec<App>,
    log: Arc<str>,
    chance: Mutex<fastrand::Rng>,
    sent: Mutex<Vec<Sent>>,
    turn: tokio::sync::Mutex<()>,
}

/// A command that was sent, and how it ended.
struct Sent {
    id: String,
    command: String,
    end: End,
    check: Box<Check>,
}

/// Whether an answer is right, as the log is; else what is wrong with it.
type Check = dyn Fn(&[RecordedEvent], &End) -> Result<(), String> + Send;

enum End {
    Accepted {
        receipt: Receipt,
        during: RangeInclusive<Position>,
    },
    Rejected {
        rejection: String,
        during: RangeInclusive<Position>,
    },
    /// The client gave up; whether an outcome was unknown.
    GivenUp { unknown: bool },
}

impl World {
    /// Two apps on one store with faults.
    pub async fn start(model: fn() -> EventModel, seed: u64) -> Arc<Self> {
        let memory = MemoryStore::new();
        let store = FaultyStore::new(memory.clone(), faults(seed));
        let apps = vec![Arc::new(store.clone()) as Arc<dyn Store>; 2];
        Self::of(model, seed, Arc::new(memory), Some(store), apps).await
    }

    /// An app on each of these stores, which are ways to the same logs.
    pub async fn on(
        model: fn() -> EventModel,
        seed: u64,
        stores: Vec<Arc<dyn Store>>,
    ) -> Arc<Self> {
        Self::of(model, seed, stores[0].clone(), None, stores).await
    }

    async fn of(
        model: fn() -> EventModel,
        seed: u64,
        truth: Arc<dyn Store>,
        faulty: Option<FaultyStore>,
        stores: Vec<Arc<dyn Store>>,
    ) -> Arc<Self> {
        let log = model().name().clone();
        let log = model().logs().first().map_or(log, |log| log.name.clone());
        let mut apps = Vec::new();
        // The caches of all but the first app, and the patience of all, are different from seed to seed.
        let impatient = faulty.is_some() && seed % 2 == 1;
        let resolve_within = Duration::from_millis(if impatient { 60 } else { 10_000 });
        for (n, store) in stores.into_iter().enumerate() {
            let state_cache = if n == 0 {
                1000
            } else {
                [0, 2, 1000][(seed % 3) as usize]
            };
            let options = AppOptions::new()
                .resolve_within(resolve_within)
                .state_cache(state_cache);
            apps.push(model().start_with(store, options).await.unwrap());
        }
        Arc::new(Self {
            truth,
            faulty,
            apps,
            log,
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
            sent: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// The store with faults of a world that was started with one.
    pub fn store(&self) -> FaultyStore {
        self.faulty.clone().expect("a store with faults")
    }

    /// Stops all apps in good order.
    pub async fn shut_down(&self) {
        for app in &self.apps {
            app.shutdown().await.unwrap();
        }
    }

    /// Lets some time pass where it is not on a paused clock, so that what happens to servers happens meanwhile.
    pub async fn rest(&self) {
        if self.faulty.is_none() {
            tokio::time::sleep(Duration::from_millis(self.below(200).into())).await;
        }
    }

    /// A number below `end`.
    pub fn below(&self, end: u32) -> u32 {
        self.chance.lock().unwrap().u32(0..end)
    }

    fn app(&self) -> &App {
        let chance = &mut *self.chance.lock().unwrap();
        &self.apps[chance.usize(0..self.apps.len())]
    }

    async fn end_of_log(&self) -> Position {
        self.through_outages(|| self.truth.last_position(&self.log))
            .await
    }

    /// Asks again while servers are really away.
    async fn through_outages<T, E: Debug, F: Future<Output = Result<T, E>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> T {
        let asking = async {
            loop {
                match ask().await {
                    Err(_) if self.faulty.is_none() => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    answer => return answer.unwrap(),
                }
            }
        };
        tokio::time::timeout(LONG, asking)
            .await
            .expect("an outage ends")
    }

    /// Sends a command to either app until it is answered, with the same id; gives the receipt if it was accepted. Now and
    /// then sends it once more.
    pub async fn send<C>(&self, id: String, command: C, decisions: Decisions<C>) -> Option<Receipt>
    where
        C: Decide + Clone + Debug,
    {
        let end = self.until_answered(&id, &command).await;
        let receipt = match &end {
            End::Accepted { receipt, .. } => Some(receipt.clone()),
            _ => None,
        };
        let again = (id.clone(), command.clone());
        self.sent.lock().unwrap().push(Sent {
            id,
            command: format!("{command:?}"),
            end,
            check: Box::new(move |log, end| check_decision(&command, decisions, log, end)),
        });
        let receipt = receipt?;
        if self.below(4) == 0 {
            self.send_again(&again.0, again.1, &receipt).await;
        }
        Some(receipt)
    }

    async fn until_answered<C: Decide + Clone + Debug>(&self, id: &str, command: &C) -> End {
        let mut unknown = false;
        let attempts = if self.faulty.is_some() {
            ATTEMPTS
        } else {
            REAL_ATTEMPTS
        };
        for _ in 0..attempts {
            let before = self.end_of_log().await;
            let options = ExecuteOptions::new().try_id(id).unwrap();
            let result = self.app().execute_with(command.clone(), options).await;
            let during = before..=self.end_of_log().await;
            match result {
                Ok(receipt) => return End::Accepted { receipt, during },
                Err(ExecuteError::Rejected(rejection)) => {
                    let rejection = format!("{rejection:?}");
                    return End::Rejected { rejection, during };
                }
                Err(error) => {
                    assert!(error.is_retryable(), "{command:?}: {error}");
                    unknown |= matches!(error, ExecuteError::UnknownOutcome { .. });
                    // Past the end of what the engine itself waits for.
                    tokio::time::sleep(Duration::from_millis(self.below(100).into())).await;
                }
            }
        }
        End::GivenUp { unknown }
    }

    /// Sends a command that was accepted again, under the same id: it must get the same receipt.
    async fn send_again<C>(&self, id: &str, command: C, first: &Receipt)
    where
        C: Decide + Clone + Debug,
    {
        match self.until_answered(id, &command).await {
            End::Accepted { receipt: again, .. } => {
                let what = format!("{id}: {command:?}");
                assert_eq!(positions(&again), positions(first), "{what}");
                // What emitted nothing is not stored, so it is decided again.
                if !first.events.is_empty() {
                    assert!(again.already_committed, "{what}");
                    assert_eq!(again.revision, first.revision, "{what}");
                }
            }
            End::Rejected { rejection, .. } => {
                panic!("{id}: {command:?} was accepted, and then {rejection}")
            }
            End::GivenUp { .. } => {}
        }
    }

    /// Asks a view of either app, not before it has seen the receipt.
    pub async fn view_after<P: Projection>(&self, receipt: &Receipt, key: &P::Key) -> P {
        // One at a time: who waits together for a view is woken in an order that no seed decides.
        let _turn = self.turn.lock().await;
        let app = self.app();
        let entry = self.through_outages(|| async {
            let view = app.view::<P>().after(receipt).within(LONG);
            view.instance(key).await
        });
        let entry = entry.await.expect("an entry");
        assert!(entry.position >= receipt.position);
        entry.value
    }

    /// Lets everything arrive and be handled; gives the log.
    pub async fn finish(&self) -> Vec<RecordedEvent> {
        loop {
            let before = self.end_of_log().await;
            if let Some(faulty) = &self.faulty {
                faulty.deliver_late().await;
            }
            for app in &self.apps {
                for parked in app.parked() {
                    // Another event of the instance may have been parked and retried meanwhile.
                    let _ = app.retry(&parked);
                }
                self.through_outages(|| app.settled()).await;
            }
            let parked = self.apps.iter().any(|app| !app.parked().is_empty());
            if !parked && self.end_of_log().await == before {
                break;
            }
        }
        let read = Read::new(self.log.clone());
        let events = || {
            let items = self.truth.read(read.clone());
            items.map(|item| item.and_then(Item::event)).try_collect()
        };
        self.through_outages(events).await
    }

    /// What must hold for every model.
    pub fn check_commands(&self, log: &[RecordedEvent]) {
        let mut of_command: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
        for event in log {
            let id = event.metadata().command.id.as_str();
            of_command.entry(id).or_default().push(event);
        }
        for (id, events) in &of_command {
            let number = events[0].metadata().command.events as usize;
            assert_eq!(events.len(), number, "{id} is stored once, and whole");
            let first = index(log, events[0].position());
            for (n, event) in events.iter().enumerate() {
                assert_eq!(
                    index(log, event.position()),
                    first + n,
                    "{id} is in one piece"
                );
                assert_eq!(event.metadata().id.as_str(), format!("{id}/{n}"));
            }
        }
        for sent in self.sent.lock().unwrap().iter() {
            let stored = of_command.get(&*sent.id).map_or(&[][..], Vec::as_slice);
            let what = format!("{} {}", sent.id, sent.command);
            match &sent.end {
                End::Accepted { receipt, .. } => {
                    let stored: Vec<_> =
                        stored.iter().map(|e| (e.position(), e.payload())).collect();
                    let in_receipt = receipt.events.iter();
                    let in_receipt: Vec<_> =
                        in_receipt.map(|e| (e.position(), e.payload())).collect();
                    assert_eq!(
                        stored, in_receipt,
                        "{what}: the receipt says what is stored"
                    );
                }
                End::Rejected { rejection, .. } => {
                    assert!(stored.is_empty(), "{what}: {rejection}, and stored");
                }
                End::GivenUp { unknown } => {
                    assert!(*unknown || stored.is_empty(), "{what}: failed, and stored");
                }
            }
            if let Err(wrong) = (sent.check)(log, &sent.end) {
                panic!("{what}: {wrong}");
            }
        }
    }

    /// Both apps show what a fresh fold of the log gives.
    pub async fn check_view<P>(&self, log: &[RecordedEvent])
    where
        P: Projection + PartialEq + Debug,
    {
        let mut expected: BTreeMap<String, P> = BTreeMap::new();
        for event in log {
            if let Some(key) = P::key_of(event).unwrap() {
                let value = expected.entry(key.to_text()).or_default();
                value.apply(event).unwrap();
            }
        }
        for app in &self.apps {
            let shown = app.view::<P>().within(LONG).list().await.unwrap();
            let shown = shown.into_iter().map(|e| (e.key.to_text(), e.value));
            assert_eq!(shown.collect::<BTreeMap<_, _>>(), expected);
        }
    }
}

/// Some of each, or much of what goes badly together.
fn faults(seed: u64) -> Faults {
    let slow = Faults::none().delays(0.5);
    let faults = match seed % 4 {
        0 | 1 => Faults::default(),
        2 => slow.late_appends(0.3).conflicts(0.2).stale_reads(0.4),
        _ => slow.lost_acks(0.3).lost_requests(0.1).stale_reads(0.4),
    };
    faults.seed(seed)
}

fn positions(receipt: &Receipt) -> Vec<Position> {
    receipt.events.iter().map(RecordedEvent::position).collect()
}

/// Every answer must be the one that a single process, deciding one command after the other, would have given: an
/// accepted one, on what stands before it in the log; any other, on what stood there at some moment between question
/// and answer. What is only consulted may have been read at another moment.
fn check_decision<C: Decide>(
    command: &C,
    decisions: Decisions<C>,
    log: &[RecordedEvent],
    end: &End,
) -> Result<(), String> {
    let (answer, moments, consulted) = match end {
        End::Accepted { receipt, during } => {
            let events = receipt.events.iter().map(shown_as_emitted);
            let answer = format!("[{}]", events.collect::<Vec<_>>().join(", "));
            match receipt.events.first() {
                Some(first) => {
                    let before = index(log, first.position()) - 1;
                    (answer, before..=before, 0..=before)
                }
                None => (answer, indices(log, during), indices(log, during)),
            }
        }
        End::Rejected { rejection, during } => (
            rejection.clone(),
            indices(log, during),
            indices(log, during),
        ),
        End::GivenUp { .. } => return Ok(()),
    };
    let mut instead = Vec::new();
    for at in moments {
        for consulted_at in consulted.clone() {
            for decision in decisions(command, &log[..at], &log[..consulted_at]) {
                let decision = match decision {
                    Ok(events) => format!("{events:?}"),
                    Err(rejection) => format!("{rejection:?}"),
                };
                if decision == answer {
                    return Ok(());
                }
                if !instead.contains(&decision) {
                    instead.push(decision);
                }
            }
        }
    }
    Err(format!(
        "answered {answer}, but it could only be {instead:?}"
    ))
}

/// How many events stand up to this position.
fn index(log: &[RecordedEvent], at: Position) -> usize {
    log.partition_point(|event| event.position() <= at)
}

fn indices(log: &[RecordedEvent], during: &RangeInclusive<Position>) -> RangeInclusive<usize> {
    index(log, *during.start())..=index(log, *during.end())
}

/// As an event is shown in a decision.
fn shown_as_emitted(event: &RecordedEvent) -> String {
    format!("{} {:?}", event.event_type(), Ok::<_, ()>(event.payload()))
}
