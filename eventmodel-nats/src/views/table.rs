//! The bucket of a view as the engine feeds it: events are written in batches, then the checkpoints move on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::StoreError;
use eventmodel::store::{NotApplied, ViewEvent, ViewTable};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::build::Build;
use super::checkpoint::Checkpoint;
use super::entries::{self, Known};
use super::positions::Positions;

/// How far a checkpoint may lag while no event concerns the view.
const LAG: u64 = 10_000;

/// How long to wait for the process that goes first while it makes no progress.
const HEAD_START: Duration = Duration::from_secs(1);

pub(super) struct KvTable {
    build: Arc<Build>,
    checkpoints: Vec<Checkpoint>,
    known: Known,
    /// The bucket holds everything up to here.
    done: Positions,
    process: String,
    /// Whether the last attempt failed: then the bucket may be another one.
    has_failed: bool,
}

impl KvTable {
    pub(super) fn new(build: Arc<Build>, checkpoints: Vec<Checkpoint>, known: Known) -> Self {
        let mut done = Positions::start(&build.logs);
        for (log, checkpoint) in checkpoints.iter().enumerate() {
            done.advance(log, checkpoint.position());
        }
        Self {
            build,
            checkpoints,
            known,
            done,
            process: Uuid::now_v7().simple().to_string(),
            has_failed: false,
        }
    }

    /// Whether the process that goes first has applied these events. Gives it some time.
    async fn others_are_there(
        &mut self,
        events: &[ViewEvent],
        keys: &[(usize, Arc<str>)],
    ) -> Result<bool, StoreError> {
        // Events that do not concern the view move no checkpoint by themselves.
        let mut ends = Positions::start(&self.build.logs);
        for (number, _) in keys {
            let ViewEvent { log, event, .. } = &events[*number];
            ends.advance(*log, event.position());
        }
        let mut since = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let mut behind = false;
            for (log, end) in ends.iter() {
                let checkpoint = &mut self.checkpoints[log];
                let before = checkpoint.position();
                if before >= end {
                    continue;
                }
                if !checkpoint.is_of_another(&self.process) {
                    return Ok(false);
                }
                checkpoint.refresh(&self.build.bucket).await?;
                if checkpoint.position() > before {
                    (since, pause) = (Instant::now(), Duration::from_millis(1));
                }
                behind |= checkpoint.position() < end;
            }
            if !behind {
                return Ok(true);
            }
            if since.elapsed() > HEAD_START {
                return Ok(false);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Notes that the bucket holds everything up to the end of these events.
    async fn reached(&mut self, events: &[ViewEvent], has_written: bool) -> Result<(), StoreError> {
        for ViewEvent { log, event, .. } in events {
            self.done.advance(*log, event.position());
        }
        for (log, checkpoint) in self.checkpoints.iter_mut().enumerate() {
            let (is, at) = (self.done.get(log), checkpoint.position());
            let lag = is.get().saturating_sub(at.get());
            if lag > LAG || (has_written && lag > 0) {
                checkpoint
                    .advance(&self.build.bucket, is, &self.process)
                    .await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ViewTable for KvTable {
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), NotApplied> {
        if self.has_failed {
            match self.build.bucket.verify().await {
                Err(error) if !error.is_retryable() => return Err(error.into()),
                _ => {}
            }
        }
        self.has_failed = true;
        let keys = events.iter().enumerate();
        let keys = keys.filter_map(|(number, event)| Some((number, event.key.clone()?)));
        let keys: Vec<(usize, Arc<str>)> = keys.collect();
        let mut has_written = !keys.is_empty();
        if has_written && self.others_are_there(events, &keys).await? {
            self.known.forget();
            has_written = false;
        }
        if has_written {
            entries::apply(&self.build, &mut self.known, events, &keys).await?;
        }
        self.build.index.add(keys.iter().map(|(_, key)| key));
        self.reached(events, has_written).await?;
        self.has_failed = false;
        Ok(())
    }

    async fn close(&mut self) {
        let (view, bucket) = (self.build.definition.name(), &self.build.bucket.name);
        for (log, checkpoint) in self.checkpoints.iter_mut().enumerate() {
            let released =
                checkpoint.release(&self.build.bucket, self.done.get(log), &self.process);
            if let Err(error) = released.await {
                // The other processes find out by waiting.
                tracing::debug!(view, bucket, %error, "cannot release the checkpoint");
            }
        }
    }
}
