//! Watching a view: the changes of its bucket, in the order of the events.
//!
//! Entries of one batch come in any order. The watch holds each back until a checkpoint says that everything before it
//! is stored, so a reader that returns with the position of its last entry has missed nothing before it.

use std::collections::VecDeque;
use std::sync::Arc;

use eventmodel::ViewError;
use eventmodel::store::AnyInstance;
use eventmodel::{Position, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::bucket::Value;
use super::build::{Build, prefix_key};
use super::checkpoint;
use super::key::CHECKPOINT;
use super::positions::Positions;
use super::values::Values;

pub(super) fn watch(
    build: Arc<Build>,
    prefix: &str,
    after: Option<Position>,
) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
    let beside = format!("{CHECKPOINT}>");
    let watcher = Watcher {
        values: Values::new(&build.bucket, &prefix_key(prefix), Some(&beside)),
        after,
        held: Vec::new(),
        ready: VecDeque::new(),
        reached: Positions::start(&build.logs),
        ending: None,
        build,
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
    build: Arc<Build>,
    values: Values,
    after: Option<Position>,
    /// Entries before which something may still be missing.
    held: Vec<(Positions, AnyInstance)>,
    ready: VecDeque<AnyInstance>,
    reached: Positions,
    /// Why the view has stopped, and until when the watch waits for what it did before.
    ending: Option<(ViewError, Instant)>,
}

impl Watcher {
    async fn next(&mut self) -> Result<AnyInstance, ViewError> {
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
            let build = &*self.build;
            let next = tokio::select! {
                biased;
                next = self.values.next(&build.bucket) => next,
                error = build.progress.stopped(), if until.is_none() => {
                    if matches!(error, ViewError::ShutDown) {
                        return Err(error);
                    }
                    self.ending = Some((error, Instant::now() + build.bucket.connection.timeout));
                    continue;
                }
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    return Err(self.ending.take().map_or(ViewError::ShutDown, |(error, _)| error));
                }
            };
            match next {
                Ok((value, _)) => self.take(&value).await?,
                Err(error) if error.is_retryable() => {
                    tracing::debug!(bucket = self.build.bucket.name, %error, "watching on");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the watch has seen everything that the view did before it stopped.
    fn has_all(&self) -> bool {
        let positions = self.build.progress.status().positions;
        let mut logs = self.build.logs.iter().enumerate();
        logs.all(|(log, of)| {
            positions
                .get(&of.name)
                .is_none_or(|at| *at <= self.reached.get(log))
        })
    }

    async fn take(&mut self, value: &Value) -> Result<(), StoreError> {
        let build = &self.build;
        if let Some((log, record)) = checkpoint::read(&build.bucket, value)? {
            if let Some(log) = build.logs.iter().position(|of| *of.name == *log) {
                self.reached.advance(log, Position::new(record.position));
                self.release();
            }
        } else if let Some((positions, entry)) = build.instance_of(value).await?
            && self.after.is_none_or(|after| entry.position > after)
        {
            self.held.push((positions, entry));
            self.release();
        }
        Ok(())
    }

    fn release(&mut self) {
        let reached = &self.reached;
        let released = self
            .held
            .extract_if(.., |(positions, _)| positions.is_within(reached));
        let mut released: Vec<_> = released.map(|(_, entry)| entry).collect();
        // Positions of several logs do not compare. Entries of one key already come in order.
        if self.build.logs.len() == 1 {
            released.sort_by_key(|entry| entry.position);
        }
        self.ready.extend(released);
    }
}
