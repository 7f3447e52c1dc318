//! An event that cannot be read, on a store whose inboxes follow the log.

use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::record::{DecodeError, DecodeReason};
use eventmodel::store::{Item, Load, Loaded, Read};
use eventmodel::{EventQuery, ExecuteError, MemoryStore, Position, Store, StoreError};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use support::bank::{bank, deposit};
use support::layer::{Around, Layer};

use super::{Recorder, with};

/// What is at this position cannot be read.
#[derive(Clone, Debug)]
struct Torn(MemoryStore, Position);

impl Torn {
    fn tear(&self, item: Item) -> Item {
        if item.position() != self.1 {
            return item;
        }
        let subject = item.subject().clone();
        let torn = DecodeError::new(self.1, subject, "?", DecodeReason::UnknownType);
        Item::Unreadable(Arc::new(torn))
    }
}

#[async_trait]
impl Around for Torn {
    fn inner(&self) -> &MemoryStore {
        &self.0
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let mut loaded = self.0.load(load).await?;
        loaded.items = loaded.items.into_iter().map(|i| self.tear(i)).collect();
        Ok(loaded)
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        let torn = self.clone();
        let items = self.0.read(read);
        items.map_ok(move |item| torn.tear(item)).boxed()
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_parks_its_instance_and_no_other() {
    let recorder = Recorder::default();
    let torn = Position::new(2);
    let store = Layer(Arc::new(Torn(MemoryStore::new(), torn)));
    let app = with(recorder.clone()).start(store).await.unwrap();
    for (account, cents) in [("ann", 1), ("ann", 2), ("ann", 3), ("bob", 4)] {
        let _ = app.execute(deposit(account, cents)).await.unwrap();
    }
    // The views have stopped; the automation goes on.
    let _ = app.settled().await.unwrap_err();
    let [parked] = &app.parked()[..] else {
        panic!("{:?}", app.parked())
    };
    assert_eq!((parked.position, parked.waiting), (torn, 1));
    assert!(parked.error.contains("cannot be read"), "{}", parked.error);
    let handled = recorder.0.lock().unwrap();
    assert_eq!((&handled["ann"], &handled["bob"]), (&vec![1], &vec![4]));
}

#[tokio::test]
async fn no_decision_rests_on_an_event_that_cannot_be_read_and_readers_pass_it() {
    let (memory, torn) = (MemoryStore::new(), Position::new(2));
    let writer = bank().start(memory.clone()).await.unwrap();
    for account in ["ann", "ann", "bob"] {
        let _ = writer.execute(deposit(account, 1)).await.unwrap();
    }
    let store = Layer(Arc::new(Torn(memory, torn)));
    let app = bank().start(store).await.unwrap();
    let error = app.execute(deposit("ann", 1)).await.unwrap_err();
    assert!(
        matches!(&error, ExecuteError::Undecodable { error, .. } if error.position == torn),
        "{error}"
    );
    let _ = app.execute(deposit("bob", 1)).await.unwrap();
    let read: Vec<_> = app.events(EventQuery::new()).collect().await;
    let are_read: Vec<_> = read.iter().map(Result::is_ok).collect();
    assert_eq!(are_read, [true, false, true, true]);
}
