//! A reader of a log that cannot wait for ever, and that goes on after an interruption as an app does it.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::store::{Item, Read};
use eventmodel::{Position, RecordedEvent};
use eventmodel::{Store, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::bench::RETRY;

pub(super) struct Reader {
    store: Arc<dyn Store>,
    /// `after` is where the reader stands.
    read: Read,
    items: BoxStream<'static, Result<Item, StoreError>>,
    patience: Duration,
}

impl Reader {
    pub(super) fn new(store: Arc<dyn Store>, read: Read, patience: Duration) -> Self {
        Self {
            items: store.read(read.clone()),
            store,
            read,
            patience,
        }
    }

    /// The next event; `None` at the end of the log.
    pub(super) async fn try_next(&mut self) -> Option<RecordedEvent> {
        let deadline = Instant::now() + self.patience;
        loop {
            let next = timeout_at(deadline, self.items.next()).await;
            let next = next.unwrap_or_else(|_| {
                panic!(
                    "no event came within {:?} after position {}",
                    self.patience, self.read.after
                )
            });
            match next.map(|item| item.and_then(Item::event)) {
                Some(Ok(event)) => {
                    let (before, at) = (self.read.after, event.position());
                    assert!(
                        at > before,
                        "a reader at position {before} was given position {at}"
                    );
                    self.read.after = at;
                    return Some(event);
                }
                Some(Err(error)) if error.is_retryable() && Instant::now() < deadline => {
                    sleep(RETRY).await;
                    self.items = self.store.read(self.read.clone());
                }
                Some(Err(error)) => panic!("the log cannot be read: {error}"),
                None => return None,
            }
        }
    }

    /// The next event, which must come.
    pub(super) async fn next(&mut self) -> RecordedEvent {
        let after = self.read.after;
        let next = self.try_next().await;
        next.unwrap_or_else(|| panic!("the log ended after position {after}"))
    }

    /// The error that the reader must end with at once.
    pub(super) async fn next_error(&mut self) -> StoreError {
        let next = timeout(self.patience, self.items.next()).await;
        let next = next.unwrap_or_else(|_| panic!("neither an event nor an error came"));
        let error = match next {
            Some(Err(error)) => error,
            other => panic!("an error should come, it was {other:?}"),
        };
        let after = timeout(self.patience, self.items.next()).await;
        assert!(
            matches!(after, Ok(None)),
            "the reader goes on after an error"
        );
        error
    }

    /// The events up to the one at `last`, which must come.
    pub(super) async fn up_to(&mut self, last: Position) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        while self.read.after < last {
            events.push(self.next().await);
        }
        events
    }

    /// All events that are left.
    pub(super) async fn rest(mut self) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.try_next().await {
            events.push(event);
        }
        events
    }
}
