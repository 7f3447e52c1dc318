//! What is no fault of an event parks nothing: it waits, and goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::store::{Append, AppendError, Appended, Load, Loaded, LogSpec, Read};
use eventmodel::{
    App, AppOptions, AutomationStatus, CommandRef, EventModel, MemoryStore, Position, Receipt,
    RecordedEvent, Slice, Store, StoreError, Subject, automation,
};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::Instant;

use super::{WelcomeBot, open, types};
use crate::bank::{Opened, bank, deposit};

/// What is wrong with a store.
#[derive(Clone, Debug)]
enum Wrong {
    /// Deposits are not stored.
    Full,
    /// The log cannot be read, and another try does not mend that.
    Unreadable,
}

/// A store in trouble, until it is mended.
#[derive(Clone, Debug)]
struct Troubled {
    store: MemoryStore,
    wrong: Wrong,
    mended: Arc<AtomicBool>,
}

impl Troubled {
    fn new(wrong: Wrong) -> Self {
        Self {
            store: MemoryStore::new(),
            wrong,
            mended: Arc::default(),
        }
    }

    fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    fn is_mended(&self) -> bool {
        self.mended.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Troubled {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.store.open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let is_deposit = &*append.command().name == "Deposit";
        if is_deposit && matches!(self.wrong, Wrong::Full) && !self.is_mended() {
            let reason = "the disk of 10.0.0.7".into();
            return Err(AppendError::Store(StoreError::Full { reason }));
        }
        self.store.append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.store.load(load).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.store.revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.store.committed(log, command, subjects).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.store.last_position(log).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
        if matches!(self.wrong, Wrong::Unreadable) && read.follow && !self.is_mended() {
            return stream::iter([Err(StoreError::failed("a cable is loose"))]).boxed();
        }
        self.store.read(read)
    }
}

/// Executes the command by itself, and says nothing of what was wrong.
#[derive(Default)]
struct Curt;

#[automation]
impl Curt {
    async fn opened(&self, event: &Opened, app: &App) -> Result<(), String> {
        let given = app.execute(deposit(&event.account, 100)).await;
        given.map(|_: Receipt| ()).map_err(|_| "no".into())
    }
}

async fn start(model: EventModel, store: &Troubled) -> App {
    let options = AppOptions::new().automation_attempts(2);
    model.start_with(store.clone(), options).await.unwrap()
}

fn status(app: &App) -> AutomationStatus {
    app.automations().pop().unwrap()
}

async fn until(holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("it holds in time");
}

/// An hour without room parks nothing, and a minute later everything is done.
async fn waits_for_room(model: EventModel) {
    let store = Troubled::new(Wrong::Full);
    let app = start(model, &store).await;
    let _ = app.execute(open("ann")).await.unwrap();
    until(|| status(&app).waiting.is_some()).await;
    let since = status(&app).waiting.unwrap().since;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let waits = status(&app);
    assert_eq!(waits.waiting.unwrap().since, since);
    assert!(waits.stopped.is_none() && app.parked().is_empty());
    store.mend();
    let mended = Instant::now();
    app.settled().await.unwrap();
    assert!(mended.elapsed() < Duration::from_secs(60));
    assert!(app.parked().is_empty() && status(&app).waiting.is_none());
    assert_eq!(types(&app).await, ["Opened", "Deposited"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_while_the_store_is_full() {
    waits_for_room(bank().slice(Slice::new("Bot").automation::<WelcomeBot>())).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_also_if_its_handler_executes_the_command_by_itself() {
    waits_for_room(bank().slice(Slice::new("Bot").automation::<Curt>())).await;
}

#[tokio::test(start_paused = true)]
async fn an_automation_whose_log_cannot_be_read_goes_on_when_that_is_mended() {
    let store = Troubled::new(Wrong::Unreadable);
    let bot = bank().slice(Slice::new("Bot").automation::<WelcomeBot>());
    let app = start(bot, &store).await;
    until(|| status(&app).stopped.is_some()).await;
    let stopped = status(&app).stopped.unwrap();
    assert!(
        stopped.to_string().contains("a cable is loose"),
        "{stopped}"
    );
    store.mend();
    until(|| status(&app).stopped.is_none()).await;
    let _ = app.execute(open("ann")).await.unwrap();
    while types(&app).await != ["Opened", "Deposited"] {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
