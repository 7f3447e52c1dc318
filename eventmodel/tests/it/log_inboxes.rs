//! The inboxes of a host that only stores: what they read, what they save, and when.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eventmodel::record::Subject;
use eventmodel::store::{
    Inbox, InboxHost, InboxSpec, InboxStorage, Item, Kept, LogInboxes, Parked, Progress, Read,
};
use eventmodel::{MemoryStore, Position, Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use support::bank::{bank, deposit};
use support::layer::{Around, Layer};

/// Where a test looks at what is saved.
#[derive(Clone, Default)]
struct Shelf(Arc<On>);

#[derive(Default)]
struct On {
    progress: Mutex<Progress>,
    parked: Mutex<Vec<Kept>>,
    saves: AtomicUsize,
    is_full: AtomicBool,
}

impl Shelf {
    fn with(until: u64, open: impl IntoIterator<Item = u64>) -> Self {
        let shelf = Self::default();
        *shelf.0.progress.lock().unwrap() = progress(until, open);
        shelf
    }

    fn saved(&self) -> Progress {
        self.0.progress.lock().unwrap().clone()
    }

    fn saves(&self) -> usize {
        self.0.saves.load(Ordering::SeqCst)
    }

    fn write(&self) -> Result<(), StoreError> {
        if self.0.is_full.load(Ordering::SeqCst) {
            let reason = "the shelf is full".into();
            return Err(StoreError::Full { reason });
        }
        self.0.saves.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn open(&self, log: &Arc<Log>) -> Box<dyn Inbox> {
        let store: Arc<dyn Store> = Arc::new(Layer(log.clone()));
        let host = LogInboxes::new(self.clone());
        host.open(&spec(), &store).await.unwrap()
    }
}

#[async_trait]
impl InboxStorage for Shelf {
    async fn progress(&self, _: &InboxSpec) -> Result<Progress, StoreError> {
        Ok(self.saved())
    }

    async fn save(&self, _: &InboxSpec, progress: &Progress) -> Result<(), StoreError> {
        self.write()?;
        *self.0.progress.lock().unwrap() = progress.clone();
        Ok(())
    }

    async fn parked(&self, _: &InboxSpec) -> Result<Vec<Kept>, StoreError> {
        Ok(self.0.parked.lock().unwrap().clone())
    }

    async fn park(&self, _: &InboxSpec, kept: &Kept) -> Result<(), StoreError> {
        self.write()?;
        *self.0.parked.lock().unwrap() = vec![kept.clone()];
        Ok(())
    }

    async fn release(&self, _: &InboxSpec, _: &Subject) -> Result<(), StoreError> {
        self.write()?;
        self.0.parked.lock().unwrap().clear();
        Ok(())
    }
}

fn spec() -> InboxSpec {
    InboxSpec::new("bank", "Bot", "bank")
}

fn progress(until: u64, open: impl IntoIterator<Item = u64>) -> Progress {
    let open = open.into_iter().map(Position::new);
    Progress::new(Position::new(until), open.collect::<BTreeSet<_>>())
}

/// A log that counts what it gives to readers, and from which something may be gone.
#[derive(Debug, Default)]
struct Log {
    store: MemoryStore,
    given: Arc<AtomicUsize>,
    gone: Option<Position>,
}

impl Around for Log {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let (given, gone) = (self.given.clone(), self.gone);
        let items = self.store.read(read).filter(move |item| {
            let is_gone = |item: &Item| Some(item.position()) == gone;
            std::future::ready(!item.as_ref().is_ok_and(is_gone))
        });
        let count = move |_: &Result<Item, StoreError>| {
            given.fetch_add(1, Ordering::SeqCst);
        };
        items.inspect(count).boxed()
    }
}

/// So many events, on as many instances.
async fn log(events: u64, gone: Option<u64>) -> Arc<Log> {
    let log = Log {
        gone: gone.map(Position::new),
        ..Log::default()
    };
    let app = bank().start(log.store.clone()).await.unwrap();
    for n in 1..=events {
        let _ = app.execute(deposit(&format!("a{n}"), 1)).await.unwrap();
    }
    Arc::new(log)
}

async fn next(inbox: &dyn Inbox) -> (u64, Item) {
    let item = inbox.next().await.unwrap();
    (item.position().get(), item)
}

async fn takes(inbox: &dyn Inbox, positions: impl IntoIterator<Item = u64>) -> Vec<Item> {
    let mut items = Vec::new();
    for expected in positions {
        let (position, item) = next(inbox).await;
        assert_eq!(position, expected);
        items.push(item);
    }
    items
}

#[tokio::test]
async fn only_what_is_open_and_what_is_new_is_read_again() {
    let (log, shelf) = (log(900, None).await, Shelf::with(899, [5, 6, 400]));
    let inbox = shelf.open(&log).await;
    takes(&*inbox, [5, 6, 400, 900]).await;
    let given = log.given.load(Ordering::SeqCst);
    // Behind each gap one more is seen.
    assert!(given <= 6, "{given} were read");
    assert_eq!(inbox.handled().await.unwrap(), Position::new(4));
}

#[tokio::test]
async fn what_is_open_and_gone_from_the_log_is_not_waited_for() {
    let (log, shelf) = (log(9, Some(4)).await, Shelf::with(8, [4, 7]));
    let inbox = shelf.open(&log).await;
    for item in takes(&*inbox, [7, 9]).await {
        inbox.done(&item).await.unwrap();
    }
    assert_eq!(shelf.saved(), progress(9, []));
}

#[tokio::test]
async fn what_is_saved_names_all_that_is_not_done() {
    let (log, shelf) = (log(6, None).await, Shelf::default());
    let inbox = shelf.open(&log).await;
    let items = takes(&*inbox, 1..=5).await;
    for n in [4, 1, 0] {
        inbox.done(&items[n]).await.unwrap();
        let all = [1, 2, 3, 4, 5].into_iter();
        let open = match n {
            4 => all.filter(|p| ![5].contains(p)).collect::<Vec<_>>(),
            1 => all.filter(|p| ![5, 2].contains(p)).collect(),
            _ => vec![3, 4],
        };
        assert_eq!(shelf.saved(), progress(5, open));
    }
    assert_eq!(inbox.handled().await.unwrap(), Position::new(2));
    // Nothing new is known of what is done twice.
    let saves = shelf.saves();
    inbox.done(&items[0]).await.unwrap();
    assert_eq!(shelf.saves(), saves);
}

#[tokio::test]
async fn a_save_that_failed_is_made_up_for_by_the_next_one() {
    let (log, shelf) = (log(3, None).await, Shelf::default());
    let inbox = shelf.open(&log).await;
    let items = takes(&*inbox, 1..=3).await;
    shelf.0.is_full.store(true, Ordering::SeqCst);
    inbox.done(&items[1]).await.unwrap_err();
    // It is done, for this process.
    inbox.done(&items[0]).await.unwrap_err();
    assert_eq!(inbox.handled().await.unwrap(), Position::new(2));
    assert_eq!(shelf.saved(), progress(0, []));
    shelf.0.is_full.store(false, Ordering::SeqCst);
    inbox.close().await;
    assert_eq!(shelf.saved(), progress(3, [3]));
}

#[tokio::test]
async fn many_that_are_done_while_many_are_open_are_saved_together() {
    let (log, shelf) = (log(400, None).await, Shelf::default());
    let inbox = shelf.open(&log).await;
    for item in takes(&*inbox, 1..=400).await {
        inbox.done(&item).await.unwrap();
    }
    assert!(shelf.saves() < 60, "{} saves", shelf.saves());
    assert_eq!(shelf.saved(), progress(400, []));
}

#[tokio::test]
async fn an_inbox_that_is_closed_gives_and_saves_nothing_more() {
    let (log, shelf) = (log(3, None).await, Shelf::default());
    let inbox = shelf.open(&log).await;
    let items = takes(&*inbox, 1..=2).await;
    inbox.close().await;
    assert!(inbox.next().await.is_err());
    inbox.done(&items[0]).await.unwrap_err();
    assert_eq!(shelf.saves(), 0);
    takes(&*shelf.open(&log).await, 1..=3).await;
}

#[tokio::test]
async fn what_is_parked_is_written_when_it_changes_and_not_at_a_sign_of_life() {
    let (log, shelf) = (log(1, None).await, Shelf::default());
    let parking = shelf.open(&log).await.parking();
    let subject = Subject::new("account.a1").unwrap();
    let parked = Parked::new(
        "Bot",
        "bank".into(),
        subject.clone(),
        Position::new(1),
        "Deposited".into(),
        "no money".into(),
        1,
        Timestamp::UNIX_EPOCH,
    );
    let mut kept = Kept::new(parked, Position::new(1));
    for beat in 0..5 {
        kept.claim = Some(eventmodel::store::Claim {
            by: "somebody".into(),
            beat,
        });
        kept.revision = parking.keep(kept.clone()).await.unwrap().unwrap();
    }
    assert_eq!(shelf.saves(), 1);
    // Whoever has claimed it has ended with its process.
    let after = shelf.open(&log).await.parking();
    let found = after.find(&subject).await.unwrap().unwrap();
    assert_eq!((found.claim, &found.parked), (None, &kept.parked));
    shelf.0.is_full.store(true, Ordering::SeqCst);
    after.release(&subject, found.revision).await.unwrap_err();
    assert_eq!(after.list(), [kept.parked]);
}
