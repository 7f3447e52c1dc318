//! What each fault is, alone and always.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::Store;
use eventmodel::memory;
use eventmodel::store::InboxSpec;
use eventmodel::store::{Load, Read};
use eventmodel::{
    App, AppOptions, EventModel, ExecuteError, ExecuteOptions, MemoryStore, Position, Slice,
    StoreError, Stream,
};
use eventmodel_testing::{Faults, FaultyStore};
use futures_util::StreamExt;
use support::savings::{Account, Balance, Deposit, Open, Refused, Visit};

const LOG: &str = "savings";

const OPEN: Open = Open {
    account: 1,
    branch: 9,
};

fn model() -> EventModel {
    EventModel::new(LOG).slice(
        Slice::new("Customer does something")
            .view::<Balance>()
            .command::<Open>()
            .command::<Visit>()
            .command::<Deposit>(),
    )
}

/// A store with these faults, and what it keeps.
fn store(faults: Faults) -> (FaultyStore, MemoryStore) {
    let memory = MemoryStore::new();
    (FaultyStore::new(memory.clone(), faults), memory)
}

/// An app that does not look into lost answers for long.
async fn start(store: impl Store) -> App {
    let options = AppOptions::new()
        .resolve_within(Duration::ZERO)
        .max_attempts(3);
    model().start_with(store, options).await.unwrap()
}

async fn length(memory: &MemoryStore) -> u64 {
    memory.last_position(&LOG.into()).await.unwrap().get()
}

async fn open(app: &App) -> Result<(), ExecuteError<Refused>> {
    let options = ExecuteOptions::new().try_id("open").unwrap();
    app.execute_with(OPEN, options).await.map(drop)
}

/// A log of `events` events on account 1.
async fn history(memory: &MemoryStore, events: u64) {
    let app = start(memory.clone()).await;
    open(&app).await.unwrap();
    for _ in 1..events {
        let deposit = Deposit {
            account: 1,
            cents: 5,
        };
        let _ = app.execute(deposit).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_stores_nothing_and_nobody_knows() {
    let (store, memory) = store(Faults::none().lost_requests(1.0));
    let unknown = open(&start(store.clone()).await).await;
    assert!(matches!(unknown, Err(ExecuteError::UnknownOutcome { .. })));
    assert_eq!(length(&memory).await, 0);
    store.deliver_late().await;
    assert_eq!(length(&memory).await, 0);
    assert_eq!(store.injected().lost_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_ack_stores_and_nobody_knows() {
    let (store, memory) = store(Faults::none().lost_acks(1.0));
    let unknown = open(&start(store.clone()).await).await;
    assert!(matches!(unknown, Err(ExecuteError::UnknownOutcome { .. })));
    assert_eq!(length(&memory).await, 1);
    assert_eq!(store.injected().lost_acks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_append_is_stored_later_and_once() {
    let (store, memory) = store(Faults::none().late_appends(1.0));
    let app = start(store.clone()).await;
    for _ in 0..2 {
        let unknown = open(&app).await;
        assert!(matches!(unknown, Err(ExecuteError::UnknownOutcome { .. })));
    }
    store.deliver_late().await;
    assert_eq!(length(&memory).await, 1);
    let injected = store.injected();
    assert_eq!((injected.late_appends, injected.late_stored), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_append_arrives_by_itself_while_others_work() {
    let (store, memory) = store(Faults::none().late_appends(1.0));
    let app = start(store.clone()).await;
    let _ = open(&app).await;
    let subject = Account { account: 1 }.subject().unwrap();
    for _ in 0..30 {
        store.revision(&LOG.into(), &subject).await.unwrap();
    }
    assert_eq!(length(&memory).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_without_reason_stores_nothing() {
    let (store, memory) = store(Faults::none().conflicts(1.0));
    let conflict = open(&start(store.clone()).await).await;
    assert!(matches!(
        conflict,
        Err(ExecuteError::Conflict { attempts: 3 })
    ));
    assert_eq!(length(&memory).await, 0);
    assert_eq!(store.injected().conflicts, 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_not_available_still_lets_a_model_start() {
    let (store, memory) = store(Faults::none().unavailable(1.0));
    let app = start(store.clone()).await;
    app.settled().await.unwrap();
    let failed = open(&app).await;
    assert!(matches!(
        failed,
        Err(ExecuteError::Store(StoreError::Unavailable { .. }))
    ));
    assert_eq!(length(&memory).await, 0);
    assert!(store.injected().unavailable > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_load_is_the_beginning_of_the_history_and_knows_the_floor() {
    let (store, _) = store(Faults::none().stale_reads(1.0));
    // An older point is known only to who has seen it.
    let app = start(store.clone()).await;
    for _ in 0..4 {
        let _ = app.execute(Visit { branch: 9 }).await.unwrap();
    }
    let subject = eventmodel::record::Subject::new("branch.9").unwrap();
    let load = async |after, floor| {
        let (log, subject) = (LOG.into(), subject.clone());
        let (after, floor) = (Position::new(after), Position::new(floor));
        let load = Load::new(log, subject).after(after).floor(floor);
        store.load(load).await.unwrap()
    };
    let before = store.injected().stale_reads;
    for _ in 0..100 {
        let loaded = load(0, 2).await;
        assert!((2..4).contains(&loaded.revision.get()));
        let positions: Vec<_> = loaded.items.iter().map(|i| i.position().get()).collect();
        assert_eq!(positions, (1..=loaded.revision.get()).collect::<Vec<_>>());
    }
    assert_eq!(store.injected().stale_reads - before, 100);
    // What has to be known is known.
    assert_eq!(load(0, 4).await.revision.get(), 4);
    assert_eq!(load(4, 4).await.revision.get(), 4);
    // A question for the revision is answered as of now.
    let revision = store.revision(&LOG.into(), &subject).await.unwrap();
    assert_eq!(revision.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_broken_read_ends_in_an_error_and_loses_nothing() {
    let (store, memory) = store(Faults::none().broken_reads(0.5));
    history(&memory, 20).await;
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let mut events =
            store.read(Read::new(LOG.into()).after(seen.last().copied().unwrap_or_default()));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => seen.push(event.position()),
                Err(error) => {
                    assert!(error.is_retryable());
                    assert!(events.next().await.is_none());
                    break;
                }
            }
        }
    }
    assert_eq!(seen, (1..=20).map(Position::new).collect::<Vec<_>>());
    assert!(store.injected().broken_reads > 0);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_delivers_an_event_twice_and_the_first_time_in_order() {
    let (store, memory) = store(Faults::none().duplicates(1.0));
    history(&memory, 10).await;
    let spec = InboxSpec::new(LOG, "Bot", LOG);
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let inbox = memory::inboxes_of(&store)
        .open(&spec, &shared)
        .await
        .unwrap();
    let mut first = Vec::new();
    let mut again = Vec::new();
    while let Ok(event) = tokio::time::timeout(Duration::from_secs(1), inbox.next()).await {
        let position = event.unwrap().position().get();
        let times = if first.contains(&position) {
            &mut again
        } else {
            &mut first
        };
        assert!(!times.contains(&position), "{position} comes three times");
        times.push(position);
    }
    assert_eq!(first, (1..=10).collect::<Vec<_>>());
    assert!(again.len() > 5, "{again:?}");
    assert_eq!(store.injected().duplicates, again.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_end_was_not_noted_comes_again() {
    let (store, memory) = store(Faults::none().unavailable(1.0));
    history(&memory, 1).await;
    let spec = InboxSpec::new(LOG, "Bot", LOG);
    let shared: Arc<dyn Store> = Arc::new(memory.clone());
    let inbox = memory::inboxes_of(&store)
        .open(&spec, &shared)
        .await
        .unwrap();
    let event = inbox.next().await.unwrap();
    // It comes after as many others as chance says, here there are none.
    let mut came_again = false;
    for _ in 0..50 {
        assert!(inbox.done(&event).await.is_err());
        let next = tokio::time::timeout(Duration::from_secs(1), inbox.next()).await;
        came_again |= next.is_ok_and(|next| next.unwrap().position() == event.position());
    }
    assert!(came_again);
}
