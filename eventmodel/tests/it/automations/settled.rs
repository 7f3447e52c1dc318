//! What is waited for by an app that settles or stops, while others never do.

use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::{
    App, EventQuery, MemoryStore, Position, Receipt, RecordedEvent, Slice, Store, StoreError,
    automation,
};
use futures_util::TryStreamExt;
use support::bank::{Opened, bank, deposit};
use support::layer::{Around, Layer};
use support::settling::{BUSY, Taker, chain, settles, stops};

/// Whenever somebody asks where the log ends, another one has just written to it.
#[derive(Debug)]
struct Busy {
    store: MemoryStore,
    other: App,
}

impl Busy {
    async fn new() -> Self {
        let store = MemoryStore::new();
        let other = bank().start(store.clone()).await.unwrap();
        Self { store, other }
    }
}

#[async_trait]
impl Around for Busy {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        let written = self.other.execute(deposit(BUSY, 1)).await;
        let _: Receipt = written.expect("the other one can write");
        self.store.last_position(log).await
    }
}

#[tokio::test]
async fn what_others_record_meanwhile_is_not_waited_for() {
    let app = chain()
        .start(Layer(Arc::new(Busy::new().await)))
        .await
        .unwrap();
    for name in ["ann", "bob"] {
        settles(&app, name).await;
    }
    stops(&app, "cat").await;
}

/// Executes a command by itself.
#[derive(Default)]
struct Headstrong;

#[automation]
impl Headstrong {
    async fn opened(&self, event: &Opened, app: &App) -> Result<(), String> {
        let given = app.execute(deposit(&event.account, 100)).await;
        given
            .map(|_: Receipt| ())
            .map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn what_a_handler_executes_by_itself_has_a_cause_and_is_waited_for() {
    let app = bank()
        .slice(Slice::new("Welcome").automation::<Headstrong>())
        .slice(Slice::new("Take").automation::<Taker>());
    let app = app.start(Layer(Arc::new(Busy::new().await))).await.unwrap();
    settles(&app, "ann").await;
    let all = app.events(EventQuery::new());
    let all: Vec<_> = all.try_collect().await.unwrap();
    let of_ann = |event: &&RecordedEvent| event.subject().as_str() == "account.ann";
    let of_ann: Vec<_> = all
        .iter()
        .filter(of_ann)
        .map(RecordedEvent::metadata)
        .collect();
    let [opened, given, _] = of_ann[..] else {
        panic!("{of_ann:?}")
    };
    assert_eq!(given.causation_id.as_deref(), Some(opened.id.as_str()));
    assert_eq!(given.correlation_id, opened.correlation_id);
    assert_eq!(&*given.source, "Headstrong");
}
