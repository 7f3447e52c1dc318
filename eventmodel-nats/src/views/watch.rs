//! Watching a view: the changes of its bucket, in the order of the events.
//!
//! Entries that are written together come in any order. Each is held back until a checkpoint says that all up to it is
//! there: so a reader that comes back with the position of the last one it got has missed nothing before it.

use std::collections::VecDeque;
use std::sync::Arc;

use eventmodel::view::{ErasedEntry, ViewError};
use eventmodel::{Position, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::bucket::Value;
use super::build::{Side, prefix_key};
use super::checkpoint;
use super::key::CHECKPOINT;
use super::positions::Marks;
use super::values::Values;

pub(super) fn watch(
    side: Arc<Side>,
    prefix: &str,
    after: Option<Position>,
) -> BoxStream<'static, Result<ErasedEntry, ViewError>> {
    // A position of one of several logs says nothing about the others, and one that lies ahead is of a log that is
    // gone: everything is shown then.
    let after = after.filter(|after| {
        let positions = side.progress.status().positions;
        positions.len() == 1 && positions.values().all(|at| after <= at)
    });
    let beside = format!("{CHECKPOINT}>");
    let watcher = Watcher {
        values: Values::new(&side.bucket, &prefix_key(prefix), Some(&beside)),
        after,
        held: Vec::new(),
        ready: VecDeque::new(),
        reached: Marks::start(&side.logs),
        ending: None,
        side,
    };
    futures_util::stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(entry) => Some((Ok(entry), Some(watcher))),
            Err(ViewError::ShutDown) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Watcher {
    side: Arc<Side>,
    values: Values,
    after: Option<Position>,
    /// Not all that is before them is known to be there.
    held: Vec<(Marks, ErasedEntry)>,
    ready: VecDeque<ErasedEntry>,
    reached: Marks,
    /// The view has stopped. What it has done before is shown, and waited for so long.
    ending: Option<(ViewError, Instant)>,
}

impl Watcher {
    async fn next(&mut self) -> Result<ErasedEntry, ViewError> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(entry);
            }
            let until = self.ending.as_ref().map(|(_, until)| *until);
            if let Some((error, _)) = &self.ending
                && self.has_all()
            {
                return Err(error.clone());
            }
            let side = &*self.side;
            let next = tokio::select! {
                biased;
                next = self.values.next(&side.bucket) => next,
                error = side.progress.stopped(), if until.is_none() => {
                    if matches!(error, ViewError::ShutDown) {
                        return Err(error);
                    }
                    self.ending = Some((error, Instant::now() + side.bucket.connection.timeout));
                    continue;
                }
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    return Err(self.ending.take().map_or(ViewError::ShutDown, |(error, _)| error));
                }
            };
            match next {
                Ok((value, _)) => self.take(&value).await?,
                Err(error) if error.is_retryable() => {
                    tracing::debug!(bucket = self.side.bucket.name, %error, "watching on");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether it has seen all that the view had done when it stopped.
    fn has_all(&self) -> bool {
        let positions = self.side.progress.status().positions;
        let mut logs = self.side.logs.iter().enumerate();
        logs.all(|(log, of)| {
            positions
                .get(&of.name)
                .is_none_or(|at| *at <= self.reached.get(log))
        })
    }

    async fn take(&mut self, value: &Value) -> Result<(), StoreError> {
        let side = &self.side;
        if let Some((log, record)) = checkpoint::read(&side.bucket, value)? {
            if let Some(log) = side.logs.iter().position(|of| *of.name == *log) {
                self.reached.advance(log, Position::new(record.position));
                self.release();
            }
        } else if let Some((marks, entry)) = side.told(value).await?
            && self.after.is_none_or(|after| entry.position > after)
        {
            self.held.push((marks, entry));
            self.release();
        }
        Ok(())
    }

    fn release(&mut self) {
        let reached = &self.reached;
        let released = self
            .held
            .extract_if(.., |(marks, _)| marks.is_within(reached));
        let mut released: Vec<_> = released.map(|(_, entry)| entry).collect();
        // Positions of several logs cannot be compared. Those of one key are in order as they come.
        if self.side.logs.len() == 1 {
            released.sort_by_key(|entry| entry.position);
        }
        self.ready.extend(released);
    }
}
