//! Feeding a view: takes the events of its logs in batches, applies them, and tells how far it is.
//!
//! Every event is given to the table once it was given all before it in its log, and again after a failure that passes.
//! At one that cannot be read, or that a handler panics at, the view stops, after all before it is applied. What cannot be
//! read and lies on no stream whose events the view handles is nothing that it could lack: it is counted, and passed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio_util::sync::CancellationToken;

use super::feed::Follower;
use crate::record::Position;
use crate::store::{
    Item, StoreError, ViewDefinition, ViewError, ViewEvent, ViewProgress, ViewTable,
};
use crate::trouble::limited;

/// How many events to apply together at most.
const BATCH: usize = 1_000;

/// The wait before another attempt, at first and at most; it doubles each time.
const RETRY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Feeder {
    pub(super) definition: Arc<ViewDefinition>,
    pub(super) table: Box<dyn ViewTable>,
    pub(super) progress: Arc<ViewProgress>,
}

/// What was given at once, up to the first that the view stops at.
struct Batch {
    events: Vec<ViewEvent>,
    /// What cannot be read and is nothing that the view handles, by the number of its log and its position.
    passed: Vec<(usize, Position)>,
    failure: Option<ViewError>,
}

impl Feeder {
    /// Feeds the view until `stop`, or until an error stops it. One follower for each of its logs, in their order.
    pub(super) async fn run(mut self, logs: Vec<Follower>, stop: CancellationToken) {
        let fed = stop.run_until_cancelled(self.feed(logs)).await;
        let error = fed.unwrap_or(ViewError::ShutDown);
        if !matches!(error, ViewError::ShutDown) {
            tracing::error!(view = self.definition.name(), %error, "the view has stopped");
        }
        self.progress.stop(error);
        self.table.close().await;
    }

    /// Why it cannot go on.
    async fn feed(&mut self, logs: Vec<Follower>) -> ViewError {
        let logs = logs.into_iter().enumerate().map(items_of);
        let mut batches = stream::select_all(logs).ready_chunks(BATCH);
        while let Some(given) = batches.next().await {
            let batch = self.keyed(given);
            if !batch.events.is_empty()
                && let Err(error) = self.apply(&batch.events).await
            {
                return error;
            }
            for (log, position) in batch.passed {
                self.progress.advance(&self.definition.logs[log], position);
            }
            if let Some(error) = batch.failure {
                return error;
            }
        }
        ViewError::ShutDown
    }

    /// The events with their keys, up to the first that the view stops at.
    fn keyed(&self, given: Vec<(usize, Result<Item, StoreError>)>) -> Batch {
        let mut batch = Batch {
            events: Vec::with_capacity(given.len()),
            passed: Vec::new(),
            failure: None,
        };
        let view = self.definition.name();
        for (log, item) in given {
            let keyed = match item {
                Ok(Item::Event(event)) => self
                    .definition
                    .key_of(&event)
                    .map(|key| ViewEvent::new(log, event, key.map(Into::into))),
                Ok(Item::Unreadable(error))
                    if self.definition.handles_stream_of(&error.subject) =>
                {
                    Err(ViewError::Undecodable { view, error })
                }
                Ok(Item::Unreadable(error)) => {
                    limited!(WARN, "the view goes on past what it cannot read and does not handle", view, %error);
                    self.progress.pass_unread();
                    batch.passed.push((log, error.position));
                    continue;
                }
                Err(error) => Err(error.into()),
            };
            match keyed {
                Ok(event) => batch.events.push(event),
                Err(error) => {
                    batch.failure = Some(error);
                    break;
                }
            }
        }
        batch
    }

    /// Applies consecutive events. If one of them fails, those before it are applied.
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), ViewError> {
        let (mut end, mut failure) = (events.len(), None);
        let mut pause = RETRY;
        while let Err(error) = self.table.apply(&events[..end]).await {
            match error.at.filter(|at| *at < end) {
                Some(at) => (end, failure) = (at, Some(error.error)),
                None if !error.error.is_retryable() => return Err(error.error),
                None => {
                    let view = self.definition.name();
                    limited!(WARN, "the view cannot be written, trying again", view, error = %error.error);
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PATIENCE);
                }
            }
        }
        for (log, name) in self.definition.logs.iter().enumerate() {
            let last = events[..end].iter().rfind(|event| event.log == log);
            if let Some(last) = last {
                self.progress.advance(name, last.event.position());
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

/// The items of a log, with its number; in the end why there are no more.
fn items_of(
    (log, follower): (usize, Follower),
) -> BoxStream<'static, (usize, Result<Item, StoreError>)> {
    stream::unfold(Some(follower), move |follower| async move {
        let mut follower = follower?;
        let next = follower.next().await;
        let follower = next.is_ok().then_some(follower);
        Some(((log, next), follower))
    })
    .boxed()
}
