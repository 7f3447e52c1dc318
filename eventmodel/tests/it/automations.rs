//! What automations promise.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventmodel::store::{AuditQuery, InboxHost, Outcome};
use eventmodel::{
    App, AppOptions, Command, Decide, Decision, Event, EventModel, EventQuery, ExecuteOptions,
    MemoryStore, Metadata, Slice, Stream, automation, emit,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use support::bank::{
    Balance, Deposited, Import, Opened, Withdraw, account, bank, deposit, open, withdraw,
};
use support::layer::{Around, Layer};
use support::settling::WelcomeBot;
use tokio::sync::{Barrier, Semaphore};

mod full;
mod in_handler;
mod restarts;
mod settled;
mod unreadable;

async fn types(app: &App) -> Vec<String> {
    let events: Vec<_> = app.events(EventQuery::new()).try_collect().await.unwrap();
    events
        .iter()
        .map(|event| event.event_type().to_owned())
        .collect()
}

fn with<A: eventmodel::Automation>(automation: A) -> EventModel {
    bank().slice(Slice::new("Bot").automation_with(automation))
}

#[tokio::test]
async fn an_automation_reacts_with_a_command_that_knows_its_cause() {
    let app = bank()
        .slice(Slice::new("Bot welcomes").automation::<WelcomeBot>())
        .start(MemoryStore::new())
        .await
        .unwrap();
    let opened = app.execute(open("ann")).await.unwrap();
    app.settled().await.unwrap();
    let events: Vec<_> = app
        .events(EventQuery::new().event::<Deposited>())
        .try_collect()
        .await
        .unwrap();
    let [gift] = &events[..] else {
        panic!("{events:?}")
    };
    let metadata = gift.metadata();
    assert_eq!(
        metadata.causation_id.as_deref(),
        Some(opened.events[0].metadata().id.as_str())
    );
    assert_eq!(metadata.correlation_id, opened.correlation_id);
    assert_eq!(&*metadata.source, "WelcomeBot");
}

/// Each app keeps the progress of its automations to itself, and sees the whole log again.
#[derive(Debug)]
struct Forgetful(MemoryStore);

impl Around for Forgetful {
    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        None
    }
}

#[tokio::test]
async fn an_event_that_comes_again_has_its_effect_once() {
    let store = Arc::new(Forgetful(MemoryStore::new()));
    let start = || with(WelcomeBot).start(Layer(store.clone()));
    for _ in 0..3 {
        let app = start().await.unwrap();
        let _ = app.execute(open("ann")).await;
        app.shutdown().await.unwrap();
    }
    let both = [start().await, start().await];
    for app in both {
        let app = app.unwrap();
        let _ = app.execute(open("bob")).await;
        app.settled().await.unwrap();
        app.shutdown().await.unwrap();
        let types = types(&app).await;
        assert_eq!(
            types.iter().filter(|ty| *ty == "Deposited").count(),
            2,
            "{types:?}"
        );
    }
}

/// Notes the order in which events are handled.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<HashMap<String, Vec<u32>>>>);

#[automation]
impl Recorder {
    async fn deposited(&self, event: &Deposited) {
        tokio::task::yield_now().await;
        self.0
            .lock()
            .unwrap()
            .entry(event.account.clone())
            .or_default()
            .push(event.cents);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_of_one_instance_are_handled_in_order() {
    let recorder = Recorder::default();
    let app = with(recorder.clone())
        .start(MemoryStore::new())
        .await
        .unwrap();
    for cents in 1..=300 {
        let _ = app
            .execute(deposit(&format!("account-{}", cents % 10), cents))
            .await
            .unwrap();
    }
    app.settled().await.unwrap();
    let handled = recorder.0.lock().unwrap();
    assert_eq!(handled.values().map(Vec::len).sum::<usize>(), 300);
    assert!(
        handled.values().all(|cents| cents.is_sorted()),
        "{handled:?}"
    );
}

/// Goes on only when it handles events of four instances at the same time.
struct Meeting(Barrier);

#[automation]
impl Meeting {
    async fn deposited(&self, _: &Deposited) {
        self.0.wait().await;
    }
}

#[tokio::test]
async fn events_of_different_instances_are_handled_at_the_same_time() {
    let app = with(Meeting(Barrier::new(4)))
        .start(MemoryStore::new())
        .await
        .unwrap();
    for name in ["a", "b", "c", "d"] {
        let _ = app.execute(deposit(name, 1)).await.unwrap();
    }
    app.settled().await.unwrap();
}

/// Cannot handle an amount until it is mended.
#[derive(Clone, Default)]
struct Fragile {
    handled: Arc<Mutex<Vec<(String, u32)>>>,
    mended: Arc<std::sync::atomic::AtomicBool>,
}

#[automation]
impl Fragile {
    async fn deposited(&self, event: &Deposited, _: &Metadata) -> Result<(), String> {
        if !self.mended.load(std::sync::atomic::Ordering::SeqCst) {
            assert_ne!(event.cents, 14, "fourteen");
            if event.cents == 13 {
                return Err("thirteen".into());
            }
        }
        self.handled
            .lock()
            .unwrap()
            .push((event.account.clone(), event.cents));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_poison_event_parks_its_instance_and_no_other() {
    let fragile = Fragile::default();
    let options = AppOptions::new().automation_attempts(3);
    let app = with(fragile.clone())
        .start_with(MemoryStore::new(), options)
        .await
        .unwrap();
    for (name, cents) in [
        ("ann", 1),
        ("ann", 13),
        ("ann", 2),
        ("bob", 3),
        ("cat", 14),
        ("ann", 4),
    ] {
        let _ = app.execute(deposit(name, cents)).await.unwrap();
    }
    app.settled().await.unwrap();
    let _ = app.execute(deposit("ann", 5)).await.unwrap();
    let _ = app.execute(deposit("bob", 6)).await.unwrap();
    app.settled().await.unwrap();
    let handled = |name: &str| -> Vec<u32> {
        let handled = fragile.handled.lock().unwrap();
        handled
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, cents)| *cents)
            .collect()
    };
    assert_eq!((handled("ann"), handled("bob")), (vec![1], vec![3, 6]));

    let mut parked = app.parked();
    parked.sort_by_key(|parked| parked.position);
    let [ann, cat] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert_eq!(
        (ann.subject.as_str(), ann.position.get(), ann.attempts),
        ("account.ann", 2, 3)
    );
    assert_eq!((ann.waiting, &*ann.event_type), (3, "Deposited"));
    assert!(ann.error.contains("thirteen"), "{}", ann.error);
    assert!(
        cat.error.contains("panicked") && cat.error.contains("fourteen"),
        "{}",
        cat.error
    );

    // Not mended yet: it is parked again.
    app.retry(ann).unwrap();
    tokio::time::timeout(Duration::from_secs(60), app.settled())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(handled("ann"), [1]);

    fragile
        .mended
        .store(true, std::sync::atomic::Ordering::SeqCst);
    app.retry(ann).unwrap();
    while handled("ann").len() < 5 {
        tokio::task::yield_now().await;
    }
    let _ = app.execute(deposit("ann", 6)).await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(handled("ann"), [1, 13, 2, 4, 5, 6]);
    assert_eq!(app.parked().len(), 1);
    assert!(app.retry(ann).is_err());
}

/// Its command is rejected.
#[derive(Default)]
struct Greedy;

#[automation]
impl Greedy {
    async fn opened(&self, event: &Opened) -> Option<Withdraw> {
        Some(withdraw(&event.account, 1))
    }
}

#[tokio::test]
async fn a_rejection_by_the_domain_ends_the_reaction() {
    let app = with(Greedy).start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(open("ann")).await.unwrap();
    app.settled().await.unwrap();
    assert!(app.parked().is_empty());
    let [entry] = &app
        .audit(&AuditQuery::new().command("Withdraw"))
        .await
        .unwrap()[..]
    else {
        panic!()
    };
    assert!(matches!(entry.outcome, Outcome::Rejected { .. }));
}

/// Asks a view.
struct Curious;

#[automation]
impl Curious {
    async fn opened(
        &self,
        event: &Opened,
        app: &App,
        meta: &Metadata,
    ) -> Result<Import, Infallible> {
        let view = app.view::<Balance>().after(meta.position);
        let cents = match view.get(&account(&event.account)).await {
            Ok(Some(balance)) if balance.open => 7,
            _ => 0,
        };
        Ok(Import {
            receipt: 1,
            account: event.account.clone(),
            cents,
        })
    }
}

#[tokio::test]
async fn a_handler_may_ask_a_view() {
    let app = with(Curious).start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(open("ann")).await.unwrap();
    app.settled().await.unwrap();
    let balance = app
        .view::<Balance>()
        .get(&account("ann"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(balance.cents, 7);
}

#[tokio::test]
async fn shutting_down_takes_no_command_and_finishes_what_automations_have_to_do() {
    let app = with(WelcomeBot).start(MemoryStore::new()).await.unwrap();
    for n in 0..100 {
        let _ = app.execute(open(&format!("account-{n}"))).await.unwrap();
    }
    app.shutdown().await.unwrap();
    let refused = app.execute(open("late")).await.unwrap_err();
    assert!(matches!(refused, eventmodel::ExecuteError::ShuttingDown));
    assert_eq!(types(&app).await.len(), 200);
    assert!(
        app.automations()
            .iter()
            .all(|automation| automation.stopped.is_none())
    );
}

#[tokio::test]
async fn shutting_down_says_what_is_left() {
    let options = AppOptions::new().drain_within(Duration::from_millis(10));
    let app = with(Meeting(Barrier::new(2)))
        .start_with(MemoryStore::new(), options)
        .await
        .unwrap();
    let _ = app.execute(deposit("alone", 1)).await.unwrap();
    let error = app.shutdown().await.unwrap_err();
    assert!(error.to_string().contains("Meeting"), "{error}");
}

mod newer {
    //! The same stream in a program that knows one event more.
    use super::*;

    #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    #[stream(subject = "account.{account}")]
    pub(super) struct Account {
        account: String,
    }

    #[derive(Event, Serialize, Deserialize)]
    #[event(stream = Account)]
    pub(super) struct Frozen {
        account: String,
    }

    #[derive(Command, Serialize, Deserialize)]
    #[command(emits(Frozen))]
    pub(super) struct Freeze {
        pub(super) account: String,
    }

    impl Decide for Freeze {
        fn decide(&self, (): &()) -> Decision<Self> {
            emit(Frozen {
                account: self.account.clone(),
            })
        }
    }
}

#[tokio::test]
async fn an_event_that_the_model_does_not_know_is_never_skipped() {
    let store = MemoryStore::new();
    let newer = EventModel::new("bank").slice(Slice::new("Freeze").command::<newer::Freeze>());
    let newer = newer.start(store.clone()).await.unwrap();
    let app = with(Recorder::default()).start(store).await.unwrap();
    let _ = app.execute(deposit("bob", 1)).await.unwrap();
    let _ = newer
        .execute(newer::Freeze {
            account: "ann".into(),
        })
        .await
        .unwrap();

    let command = app.execute(deposit("ann", 1)).await.unwrap_err();
    assert!(
        matches!(command, eventmodel::ExecuteError::Undecodable { .. }),
        "{command}"
    );
    let text = command.to_string();
    for part in [
        "bank",
        "Frozen",
        "position 2",
        "account.ann",
        "no event of this model",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let view = app.settled().await.unwrap_err();
    assert!(
        matches!(view, eventmodel::ViewError::Undecodable { .. }),
        "{view}"
    );
    let parked = app.parked();
    assert_eq!(parked[0].subject.as_str(), "account.ann");
    // As long as the program does not know the event, another try does not skip it either.
    app.retry(&parked[0]).unwrap();
    while app
        .parked()
        .first()
        .is_none_or(|again| again.since == parked[0].since)
    {
        tokio::task::yield_now().await;
    }
    // Other instances go on.
    let _ = app.execute(deposit("bob", 1)).await.unwrap();
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Balance, emits(Deposited))]
struct Overflow {
    account: String,
}

impl Decide for Overflow {
    fn decide(&self, balance: &Balance) -> Decision<Self> {
        panic!("no room for more than {}", balance.cents)
    }
}

/// Its command panics when it is decided.
#[derive(Default)]
struct Careless;

#[automation]
impl Careless {
    async fn opened(&self, event: &Opened) -> Overflow {
        Overflow {
            account: event.account.clone(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_panics_parks_the_event() {
    let app = with(Careless).start(MemoryStore::new()).await.unwrap();
    let _ = app.execute(open("ann")).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), app.settled())
        .await
        .unwrap()
        .unwrap();
    let [parked] = &app.parked()[..] else {
        panic!("{:?}", app.parked())
    };
    assert_eq!(
        parked.error,
        "`Overflow` panicked in `decide`: no room for more than 0"
    );
    app.shutdown().await.unwrap();
}

/// Handles nothing before it is let, and no thirteen until it is mended.
#[derive(Clone)]
struct Held {
    begun: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
    mended: Arc<std::sync::atomic::AtomicBool>,
}

impl Held {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self {
            begun: none(),
            go_on: none(),
            mended: Arc::default(),
        }
    }

    async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }
}

#[automation]
impl Held {
    async fn deposited(&self, event: &Deposited) -> Result<(), String> {
        self.begun.add_permits(1);
        self.go_on.acquire().await.unwrap().forget();
        if event.cents == 13 && !self.mended.load(std::sync::atomic::Ordering::SeqCst) {
            return Err("thirteen".into());
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_earliest_event_of_an_instance_that_cannot_be_handled_is_the_parked_one() {
    let (store, held) = (MemoryStore::new(), Held::new());
    let newer = EventModel::new("bank").slice(Slice::new("Freeze").command::<newer::Freeze>());
    let newer = newer.start(store.clone()).await.unwrap();
    let options = AppOptions::new().automation_attempts(1);
    let app = with(held.clone()).start_with(store, options).await.unwrap();
    for cents in [13, 1] {
        let _ = app.execute(deposit("ann", cents)).await.unwrap();
    }
    let freeze = newer::Freeze {
        account: "ann".into(),
    };
    let _ = newer.execute(freeze).await.unwrap();
    held.has_begun().await;
    held.go_on.add_permits(1);
    // The view has stopped at it; the automation goes on.
    let _ = app.settled().await;
    let [parked] = &app.parked()[..] else {
        panic!("{:?}", app.parked())
    };
    assert_eq!((parked.position.get(), parked.waiting), (1, 2));
    assert!(parked.error.contains("thirteen"), "{}", parked.error);
}

#[tokio::test]
async fn what_a_retry_has_in_hand_is_not_done_when_the_log_brings_it() {
    let held = Held::new();
    let options = AppOptions::new().automation_attempts(1);
    let app = with(held.clone())
        .start_with(MemoryStore::new(), options)
        .await
        .unwrap();
    let first = app.execute(deposit("ann", 13)).await.unwrap().position;
    held.go_on.add_permits(1);
    held.has_begun().await;
    app.settled().await.unwrap();
    let [parked] = &app.parked()[..] else {
        panic!("{:?}", app.parked())
    };
    // Before the automation sees the second event in the log, the retry takes both from there.
    let last = app.execute(deposit("ann", 1)).await.unwrap().position;
    held.mended.store(true, std::sync::atomic::Ordering::SeqCst);
    app.retry(parked).unwrap();
    held.go_on.add_permits(1);
    held.has_begun().await;
    held.has_begun().await;
    // The second one is in hand, however far the automation reads.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let handled = || app.automations()[0].positions["bank"];
    assert_eq!(handled(), first);
    held.go_on.add_permits(1);
    app.settled().await.unwrap();
    assert_eq!(handled(), last);
    assert!(app.parked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_end_is_a_wait() {
    let options = AppOptions::new()
        .automation_backoff(Duration::MAX)
        .resolve_within(Duration::MAX)
        .drain_within(Duration::from_secs(1));
    let app = with(Fragile::default())
        .start_with(MemoryStore::new(), options)
        .await
        .unwrap();
    let first = ExecuteOptions::new().try_id("first").unwrap();
    let receipt = app.execute_with(deposit("ann", 13), first).await.unwrap();
    let view = app.view::<Balance>().after(receipt.position);
    let balance = view.within(Duration::MAX).get(&account("ann")).await;
    assert_eq!(balance.unwrap().unwrap().cents, 13);
    // The automation waits before its second attempt.
    let error = app.shutdown().await.unwrap_err();
    assert!(error.to_string().contains("Fragile is at"), "{error}");
}

#[tokio::test]
async fn shutting_down_says_that_a_view_could_not_get_further() {
    let store = MemoryStore::new();
    let newer = EventModel::new("bank").slice(Slice::new("Freeze").command::<newer::Freeze>());
    let newer = newer.start(store.clone()).await.unwrap();
    let app = bank().start(store).await.unwrap();
    let _ = newer
        .execute(newer::Freeze {
            account: "ann".into(),
        })
        .await
        .unwrap();
    let error = app.shutdown().await.unwrap_err();
    assert!(error.to_string().contains("Frozen"), "{error}");
    newer.shutdown().await.unwrap();
}
