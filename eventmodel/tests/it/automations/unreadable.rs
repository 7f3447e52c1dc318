//! An event that cannot be read, on a store whose inboxes follow the log.

use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::store::{Append, AppendError, Appended, Load, Loaded, LogSpec, Read};
use eventmodel::{
    CommandRef, DecodeError, DecodeReason, MemoryStore, Position, RecordedEvent, Store, StoreError,
    Subject,
};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use support::bank::deposit;

use super::{Recorder, with};

/// What a reader of a log finds at this position cannot be read.
#[derive(Debug)]
struct Torn(MemoryStore, Position);

#[async_trait]
impl Store for Torn {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        self.0.open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.0.append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.0.load(load).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        self.0.revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.0.committed(log, command, subjects).await
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        self.0.last_position(log).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
        let torn = self.1;
        let events = self.0.read(read).map(move |event| match event {
            Ok(event) if event.position() == torn => {
                Err(StoreError::Undecodable(Arc::new(DecodeError {
                    position: torn,
                    subject: event.subject().clone(),
                    event_type: "?".into(),
                    reason: DecodeReason::UnknownType,
                })))
            }
            event => event,
        });
        events.boxed()
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_parks_its_instance_and_no_other() {
    let recorder = Recorder::default();
    let torn = Position::new(2);
    let app = with(recorder.clone())
        .start(Torn(MemoryStore::new(), torn))
        .await
        .unwrap();
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
