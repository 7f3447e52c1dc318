//! A log is read once for all views of a process, and a slow view holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use eventmodel::memory::MemoryViews;
use eventmodel::store::{
    Item, NotApplied, OpenView, Read, ViewDefinition, ViewEvent, ViewHost, ViewTable,
};
use eventmodel::{App, AppOptions, MemoryStore, Position, Store, StoreError, ViewError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use support::bank::{Balance, Total, account, bank, deposit};
use support::layer::{Around, Layer};
use support::until;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A store that counts the events that it gives to readers.
#[derive(Clone, Debug, Default)]
struct Counting {
    store: MemoryStore,
    given: Arc<AtomicU64>,
}

impl Counting {
    fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Around for Counting {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let given = self.given.clone();
        let count = move |_: &Result<Item, StoreError>| {
            given.fetch_add(1, Ordering::SeqCst);
        };
        self.store.read(read).inspect(count).boxed()
    }
}

/// Keeps views in memory; one of them takes nothing before it is let go.
struct Held {
    view: &'static str,
    go: watch::Receiver<bool>,
}

#[async_trait]
impl ViewHost for Held {
    async fn open(
        &self,
        view: Arc<ViewDefinition>,
        stop: CancellationToken,
    ) -> Result<OpenView, ViewError> {
        let is_held = view.name() == self.view;
        let open = MemoryViews.open(view, stop).await?;
        if !is_held {
            return Ok(open);
        }
        let table = HeldTable(open.table, self.go.clone());
        Ok(OpenView::new(open.hosted, Box::new(table), open.progress))
    }
}

struct HeldTable(Box<dyn ViewTable>, watch::Receiver<bool>);

#[async_trait]
impl ViewTable for HeldTable {
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), NotApplied> {
        self.1.wait_for(|go| *go).await.unwrap();
        self.0.apply(events).await
    }
}

async fn write(app: &App, events: u64) -> Position {
    let mut last = Position::START;
    for _ in 0..events {
        last = app.execute(deposit("ann", 1)).await.unwrap().position;
    }
    last
}

/// Whether both views have seen all up to a position.
async fn have_seen(app: &App, position: Position, cents: i64) {
    let balance = app.view::<Balance>().after(position);
    let balance = balance.get(&account("ann")).await.unwrap().unwrap();
    let total = app.view::<Total>().after(position);
    let total = total.get(&()).await.unwrap().unwrap();
    assert_eq!((balance.cents, total.cents), (cents, cents));
}

#[tokio::test]
async fn views_that_start_together_cost_one_pass_over_their_log() {
    let store = MemoryStore::new();
    let writer = bank().start(store.clone()).await.unwrap();
    let last = write(&writer, 3_000).await;
    writer.shutdown().await.unwrap();
    let counting = Counting {
        store,
        given: Arc::default(),
    };
    let app = bank()
        .start(Layer(Arc::new(counting.clone())))
        .await
        .unwrap();
    have_seen(&app, last, 3_000).await;
    assert_eq!(counting.given(), last.get());
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_view_that_is_slow_holds_up_no_other_and_reads_with_them_again_when_it_has_caught_up() {
    let (go, held) = watch::channel(false);
    let counting = Counting::default();
    let host = Held {
        view: "Total",
        go: held,
    };
    let options = AppOptions::new().views(host);
    let app = bank()
        .start_with(Layer(Arc::new(counting.clone())), options)
        .await
        .unwrap();
    // More than the reader keeps for those who lag.
    let events = 8_000;
    let last = write(&app, events).await;
    let balance = app.view::<Balance>().after(last);
    let balance = balance.get(&account("ann")).await.unwrap().unwrap();
    assert_eq!(balance.cents, 8_000);
    let held_at = app.view::<Total>().status().unwrap().positions;
    assert!(held_at.values().all(|at| *at == Position::START));
    go.send_replace(true);
    have_seen(&app, last, 8_000).await;
    // It has read the log alone once, and reads with the other again.
    until("an event is read once for both views", async || {
        let before = counting.given();
        let last = write(&app, 1).await;
        let _ = app.view::<Balance>().after(last).get(&account("ann")).await;
        let _ = app.view::<Total>().after(last).get(&()).await;
        counting.given() == before + 1
    })
    .await;
    let before = counting.given();
    let last = write(&app, 100).await;
    let total = app.view::<Total>().after(last).get(&()).await;
    let balance = app.view::<Balance>().after(last).get(&account("ann")).await;
    assert_eq!(
        total.unwrap().unwrap().cents,
        balance.unwrap().unwrap().cents
    );
    assert_eq!(counting.given(), before + 100);
    app.shutdown().await.unwrap();
}
