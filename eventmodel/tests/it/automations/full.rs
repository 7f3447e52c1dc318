//! What is no fault of an event parks nothing: it waits, and goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::engine::AutomationStatus;
use eventmodel::memory;
use eventmodel::record::Subject;
use eventmodel::store::{Append, AppendError, Appended, Read};
use eventmodel::store::{Inbox, InboxHost, InboxSpec, Item, Kept, Parking};
use eventmodel::{
    App, AppOptions, EventModel, MemoryStore, Parked, Position, Receipt, Slice, Store, StoreError,
    automation,
};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use support::bank::{Opened, bank, deposit};
use support::layer::{Around, Layer};
use support::until;
use tokio::time::Instant;

use super::{Fragile, WelcomeBot, open, types, with};

/// What is wrong with a store.
#[derive(Clone, Debug)]
enum Wrong {
    /// Deposits are not stored.
    Full,
    /// The log cannot be read, and another try does not mend that.
    Unreadable,
    /// What is parked is kept, and the answers are lost.
    Parking,
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
impl Around for Troubled {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let is_deposit = &*append.command().name == "Deposit";
        if is_deposit && matches!(self.wrong, Wrong::Full) && !self.is_mended() {
            let reason = "the disk of 10.0.0.7".into();
            return Err(AppendError::Store(StoreError::Full { reason }));
        }
        self.store.append(append).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        if matches!(self.wrong, Wrong::Unreadable) && read.follow && !self.is_mended() {
            return stream::iter([Err(StoreError::failed("a cable is loose"))]).boxed();
        }
        self.store.read(read)
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        if matches!(self.wrong, Wrong::Parking) {
            return Some(Arc::new(self.clone()));
        }
        self.store.inboxes()
    }
}

#[async_trait]
impl InboxHost for Troubled {
    async fn open(
        &self,
        spec: &InboxSpec,
        store: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        let inbox = memory::inboxes_of(&self.store).open(spec, store).await?;
        let (kept, mended) = (Mutex::default(), self.mended.clone());
        let parking = Arc::new(Mute { kept, mended });
        Ok(Box::new(Desk { inbox, parking }))
    }
}

struct Desk {
    inbox: Box<dyn Inbox>,
    parking: Arc<Mute>,
}

#[async_trait]
impl Inbox for Desk {
    async fn next(&self) -> Result<Item, StoreError> {
        self.inbox.next().await
    }

    async fn done(&self, item: &Item) -> Result<(), StoreError> {
        self.inbox.done(item).await
    }

    async fn handled(&self) -> Result<Position, StoreError> {
        self.inbox.handled().await
    }

    fn parking(&self) -> Arc<dyn Parking> {
        self.parking.clone()
    }

    async fn close(&self) {
        self.inbox.close().await;
    }
}

/// Keeps what it is given, and does not say so until it is mended.
struct Mute {
    kept: Mutex<BTreeMap<Subject, Kept>>,
    mended: Arc<AtomicBool>,
}

#[async_trait]
impl Parking for Mute {
    fn lease(&self) -> Duration {
        Duration::MAX
    }

    fn list(&self) -> Vec<Parked> {
        let kept = self.kept.lock().unwrap();
        kept.values().map(|kept| kept.parked.clone()).collect()
    }

    fn peek(&self, subject: &Subject) -> Option<Kept> {
        self.kept.lock().unwrap().get(subject).cloned()
    }

    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError> {
        Ok(self.peek(subject))
    }

    async fn keep(&self, mut kept: Kept) -> Result<Option<u64>, StoreError> {
        let subject = kept.parked.subject.clone();
        let there = self.peek(&subject).map_or(0, |there| there.revision);
        if kept.revision != there {
            return Ok(None);
        }
        kept.revision = there + 1;
        self.kept.lock().unwrap().insert(subject, kept);
        if !self.mended.load(Ordering::SeqCst) {
            let reason = "the answer is lost".into();
            return Err(StoreError::Unavailable { reason });
        }
        Ok(Some(there + 1))
    }

    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError> {
        let is_it = self
            .peek(subject)
            .is_some_and(|kept| kept.revision == revision);
        if is_it {
            self.kept.lock().unwrap().remove(subject);
        }
        Ok(is_it)
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

/// The same, with a handle from elsewhere.
#[derive(Default)]
struct FromElsewhere {
    app: Arc<OnceLock<App>>,
}

#[automation]
impl FromElsewhere {
    async fn opened(&self, event: &Opened) -> Result<(), String> {
        let app = self.app.get().ok_or("there is no app yet")?;
        let given = app.execute(deposit(&event.account, 100)).await;
        given.map(|_: Receipt| ()).map_err(|_| "no".into())
    }
}

/// Fails with an error that cannot be written.
#[derive(Default)]
struct Unspeakable;

#[derive(Debug)]
struct NoWords;

impl fmt::Display for NoWords {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl std::error::Error for NoWords {}

#[automation]
impl Unspeakable {
    async fn opened(&self, event: &Opened) -> Result<(), NoWords> {
        if event.account == "bob" {
            return Ok(());
        }
        Err(NoWords)
    }
}

async fn start(model: EventModel, store: &Troubled) -> App {
    let options = AppOptions::new().automation_attempts(2);
    model
        .start_with(Layer(Arc::new(store.clone())), options)
        .await
        .unwrap()
}

fn status(app: &App) -> AutomationStatus {
    app.automations().pop().unwrap()
}

/// An hour without room parks nothing, and a minute later everything is done.
async fn waits_for_room(model: EventModel) {
    let store = Troubled::new(Wrong::Full);
    let app = start(model, &store).await;
    let _ = app.execute(open("ann")).await.unwrap();
    until("it waits", async || status(&app).waiting.is_some()).await;
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
async fn an_event_waits_also_if_its_handler_has_a_handle_from_elsewhere() {
    let store = Troubled::new(Wrong::Full);
    let bot = FromElsewhere::default();
    let handle = bot.app.clone();
    let app = start(bank().slice(Slice::new("Bot").automation_with(bot)), &store).await;
    assert!(handle.set(app.clone()).is_ok());
    let _ = app.execute(open("ann")).await.unwrap();
    until("it waits", async || status(&app).waiting.is_some()).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(app.parked().is_empty());
    store.mend();
    app.settled().await.unwrap();
    assert_eq!(types(&app).await, ["Opened", "Deposited"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_error_cannot_be_written_is_parked_and_others_go_on() {
    let model = bank().slice(Slice::new("Bot").automation::<Unspeakable>());
    let app = start(model, &Troubled::new(Wrong::Parking)).await;
    for name in ["ann", "bob"] {
        let _ = app.execute(open(name)).await.unwrap();
    }
    app.settled().await.unwrap();
    let parked = app.parked();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].error.contains("no words"), "{}", parked[0].error);
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_without_a_busy_loop_if_the_back_off_is_nothing() {
    let store = Troubled::new(Wrong::Full);
    let options = AppOptions::new().automation_backoff(Duration::ZERO);
    let model = bank().slice(Slice::new("Bot").automation::<WelcomeBot>());
    let app = model
        .start_with(Layer(Arc::new(store.clone())), options)
        .await
        .unwrap();
    let _ = app.execute(open("ann")).await.unwrap();
    until("it waits", async || status(&app).waiting.is_some()).await;
    // Time passes only when all tasks sleep.
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.mend();
    app.settled().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_automation_whose_log_cannot_be_read_goes_on_when_that_is_mended() {
    let store = Troubled::new(Wrong::Unreadable);
    let bot = bank().slice(Slice::new("Bot").automation::<WelcomeBot>());
    let app = start(bot, &store).await;
    until("its status changes", async || {
        status(&app).stopped.is_some()
    })
    .await;
    let stopped = status(&app).stopped.unwrap();
    assert!(
        stopped.to_string().contains("a cable is loose"),
        "{stopped}"
    );
    store.mend();
    until("its status changes", async || {
        status(&app).stopped.is_none()
    })
    .await;
    let _ = app.execute(open("ann")).await.unwrap();
    until("it is handled", async || {
        types(&app).await == ["Opened", "Deposited"]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_an_event_while_it_cannot_be_parked_waits_behind_it() {
    let store = Troubled::new(Wrong::Parking);
    let fragile = Fragile::default();
    let app = start(with(fragile.clone()), &store).await;
    let _ = app.execute(deposit("ann", 13)).await.unwrap();
    until("it waits", async || status(&app).waiting.is_some()).await;
    // It is kept by now, and the automation does not know.
    assert_eq!(app.parked().len(), 1);
    let _ = app.execute(deposit("ann", 2)).await.unwrap();
    until("it is parked, and the other behind it", async || {
        app.parked()
            .first()
            .is_some_and(|parked| parked.waiting == 1)
    })
    .await;
    store.mend();
    app.settled().await.unwrap();
    let parked = app.parked();
    fragile.mended.store(true, Ordering::SeqCst);
    app.retry(&parked[0]).unwrap();
    until("its status changes", async || {
        fragile.handled.lock().unwrap().len() == 2
    })
    .await;
    let handled = fragile.handled.lock().unwrap();
    assert_eq!(*handled, [("ann".into(), 13), ("ann".into(), 2)]);
}
