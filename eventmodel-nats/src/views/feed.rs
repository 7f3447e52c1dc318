//! Feeding a view: reads its logs, applies their events in batches, and moves its checkpoints on.

use std::sync::Arc;
use std::time::Duration;

use eventmodel::store::{Read, Store};
use eventmodel::view::ViewError;
use eventmodel::{__limited as limited, Position, RecordedEvent, StoreError};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::build::Build;
use super::checkpoint::Checkpoint;
use super::entries::{self, Known, Logged, Stuck};
use super::positions::Positions;

/// How many events to apply together at most.
const BATCH: usize = 1_000;

/// The wait before another attempt, at first and at most; it doubles each time.
const RETRY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a checkpoint may lag while no event concerns the view.
const LAG: u64 = 10_000;

/// How long to wait for the process that goes first while it makes no progress.
const HEAD_START: Duration = Duration::from_secs(1);

pub(super) struct Feeder {
    build: Arc<Build>,
    checkpoints: Vec<Checkpoint>,
    known: Known,
    /// The bucket holds everything up to here.
    done: Positions,
    process: String,
}

type Events = mpsc::Receiver<(usize, Result<RecordedEvent, StoreError>)>;

impl Feeder {
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
        }
    }

    /// Feeds the view until `stop`, or until an error stops it.
    pub(super) async fn run(mut self, store: Arc<dyn Store>, stop: CancellationToken) {
        let mut events = self.read(&store);
        let fed = tokio::select! {
            biased;
            () = stop.cancelled() => Err(ViewError::ShutDown),
            fed = self.feed(&mut events) => fed,
        };
        drop(events);
        let (view, bucket) = (self.build.definition.name(), &self.build.bucket.name);
        if let Err(error) = fed {
            if !matches!(error, ViewError::ShutDown) {
                tracing::error!(view, bucket, %error, "the view has stopped");
            }
            self.build.progress.stop(error);
        }
        for (log, checkpoint) in self.checkpoints.iter_mut().enumerate() {
            let released =
                checkpoint.release(&self.build.bucket, self.done.get(log), &self.process);
            if let Err(error) = released.await {
                // The other processes find out by waiting.
                tracing::debug!(view, bucket, %error, "cannot release the checkpoint");
            }
        }
    }

    /// Reads the logs while earlier events are applied.
    fn read(&self, store: &Arc<dyn Store>) -> Events {
        let (sender, receiver) = mpsc::channel(2 * BATCH);
        for (log, of) in self.build.logs.iter().enumerate() {
            let (sender, store, name) = (sender.clone(), store.clone(), of.name.clone());
            let (view, after) = (self.build.definition.name(), self.done.get(log));
            tokio::spawn(async move {
                let closed = sender.clone();
                tokio::select! {
                    () = closed.closed() => {}
                    () = read(view, &store, name, after, log, sender) => {}
                }
            });
        }
        receiver
    }

    async fn feed(&mut self, events: &mut Events) -> Result<(), ViewError> {
        let mut received = Vec::with_capacity(BATCH);
        loop {
            if events.recv_many(&mut received, BATCH).await == 0 {
                return Ok(());
            }
            let mut batch: Vec<Logged> = Vec::with_capacity(received.len());
            let mut failure = None;
            for (log, event) in received.drain(..) {
                match event {
                    Ok(event) if failure.is_none() => batch.push((log, event)),
                    Ok(_) => {}
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            let mut pause = RETRY;
            while let Err(error) = self.apply(&batch).await {
                if !error.is_retryable() {
                    return Err(error);
                }
                let (view, bucket) = (self.build.definition.name(), &self.build.bucket.name);
                limited!(WARN, "the view cannot be written, trying again", view, bucket, %error);
                sleep(pause).await;
                pause = (2 * pause).min(PATIENCE);
                match self.build.bucket.verify().await {
                    Err(error) if !error.is_retryable() => return Err(error.into()),
                    _ => {}
                }
            }
            if let Some(failure) = failure {
                return Err(failure.into());
            }
        }
    }

    /// Applies consecutive events; if one of them fails, those before it.
    async fn apply(&mut self, events: &[Logged]) -> Result<(), ViewError> {
        let mut keys: Vec<(usize, Arc<str>)> = Vec::new();
        let (mut end, mut failure) = (events.len(), None);
        for (number, (_, event)) in events.iter().enumerate() {
            match self.build.definition.key_of(event) {
                Ok(Some(key)) => keys.push((number, key.into())),
                Ok(None) => {}
                Err(error) => {
                    (end, failure) = (number, Some(error));
                    break;
                }
            }
        }
        if !keys.is_empty() && self.others_are_there(events, &keys).await? {
            self.known.forget();
            keys.clear();
        }
        while let Err(Stuck { at, error }) =
            entries::apply(&self.build, &mut self.known, events, &keys).await
        {
            let Some(at) = at else {
                return Err(error);
            };
            // The events before it are applied; nothing half done was written.
            (end, failure) = (at, Some(error));
            keys.retain(|(number, _)| *number < at);
        }
        self.reached(&events[..end], !keys.is_empty() || failure.is_some())
            .await?;
        failure.map_or(Ok(()), Err)
    }

    /// Whether the process that goes first has applied these events. Gives it some time.
    async fn others_are_there(
        &mut self,
        events: &[Logged],
        keys: &[(usize, Arc<str>)],
    ) -> Result<bool, StoreError> {
        // Events that do not concern the view move no checkpoint by themselves.
        let mut ends = Positions::start(&self.build.logs);
        for (number, _) in keys {
            let (log, event) = &events[*number];
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
    async fn reached(&mut self, events: &[Logged], has_written: bool) -> Result<(), StoreError> {
        for (log, event) in events {
            self.done.advance(*log, event.position());
        }
        for (log, position) in self.done.iter() {
            self.build
                .progress
                .advance(&self.build.logs[log].name, position);
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

/// Reads a log for ever; sends an error that no retry mends, and ends.
async fn read(
    view: &'static str,
    store: &Arc<dyn Store>,
    log: Arc<str>,
    mut after: Position,
    number: usize,
    sender: mpsc::Sender<(usize, Result<RecordedEvent, StoreError>)>,
) {
    loop {
        let mut events = store.read(Read {
            log: log.clone(),
            after,
            subjects: Vec::new(),
            follow: true,
        });
        let mut failure = StoreError::Unavailable {
            reason: "the log ended".into(),
        };
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    after = event.position();
                    if sender.send((number, Ok(event))).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    failure = error;
                    break;
                }
            }
        }
        if !failure.is_retryable() {
            // The receiver may be gone.
            let _ = sender.send((number, Err(failure))).await;
            return;
        }
        limited!(WARN, "the log of the view cannot be read, trying again", view, %log, error = %failure);
        sleep(RETRY).await;
    }
}
