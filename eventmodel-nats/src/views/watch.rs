//! Watching a view: the changes of its bucket, in the order of the events.
//!
//! Entries of one batch come in any order. The watch holds each back until a checkpoint says that everything before it
//! is stored, so a reader that returns with the position of its last entry has missed nothing before it.
//!
//! Who watches the whole view begins with what is there, read once for all that begin at about the same time.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use eventmodel::ViewError;
use eventmodel::store::AnyInstance;
use eventmodel::{Position, StoreError};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::bucket::Value;
use super::build::{Build, prefix_key};
use super::checkpoint;
use super::key::CHECKPOINT;
use super::positions::Positions;
use super::values::Values;

/// How many values may have been written to the bucket since a beginning for another watcher to share it.
const SHARED: u64 = 1024;

pub(super) fn watch(
    build: Arc<Build>,
    prefix: &str,
    after: Option<Position>,
) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
    let beside = format!("{CHECKPOINT}>");
    let prefix = prefix_key(prefix);
    let watcher = Watcher {
        values: Values::new(&build.bucket, &prefix, Some(&beside)),
        after,
        is_begun: !prefix.is_empty(),
        beginning: None,
        sorted: Sorted::new(&build),
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

/// Entries in the order of the events, as far as a checkpoint says that none is missing.
#[derive(Debug)]
struct Sorted {
    /// Entries before which something may still be missing.
    held: Vec<(Positions, AnyInstance)>,
    ready: VecDeque<AnyInstance>,
    reached: Positions,
}

impl Sorted {
    fn new(build: &Build) -> Self {
        Self {
            held: Vec::new(),
            ready: VecDeque::new(),
            reached: Positions::start(&build.logs),
        }
    }

    async fn take(&mut self, build: &Build, value: &Value) -> Result<(), StoreError> {
        if let Some((log, record)) = checkpoint::read(&build.bucket, value)? {
            if let Some(log) = build.logs.iter().position(|of| *of.name == *log) {
                self.reached.advance(log, Position::new(record.position));
                self.release(build);
            }
        } else if let Some((positions, entry)) = build.instance_of(value).await? {
            if positions.is_within(&self.reached) {
                self.ready.push_back(entry);
            } else {
                self.held.push((positions, entry));
            }
        }
        Ok(())
    }

    fn release(&mut self, build: &Build) {
        let reached = &self.reached;
        let released = self
            .held
            .extract_if(.., |(positions, _)| positions.is_within(reached));
        let mut released: Vec<_> = released.map(|(_, entry)| entry).collect();
        // Positions of several logs do not compare. Entries of one key already come in order.
        if build.logs.len() == 1 {
            released.sort_by_key(|entry| entry.position);
        }
        self.ready.extend(released);
    }
}

/// What is in the bucket up to a sequence. Watchers that begin with it go on behind it.
#[derive(Debug)]
pub(super) struct Beginning {
    sorted: Sorted,
    sequence: u64,
}

/// The last beginning, as long as a watcher has not been shown all of it.
#[derive(Debug, Default)]
pub(super) struct Beginnings(Mutex<Weak<Beginning>>);

impl Beginning {
    /// The last one if it is new enough; else one that all who ask meanwhile wait for.
    async fn shared(build: &Build) -> Result<Arc<Self>, StoreError> {
        let mut last = build.beginnings.0.lock().await;
        if let Some(last) = last.upgrade()
            && build.bucket.newest().saturating_sub(last.sequence) <= SHARED
        {
            return Ok(last);
        }
        loop {
            match Self::read(build).await {
                Ok(read) => {
                    let read = Arc::new(read);
                    *last = Arc::downgrade(&read);
                    return Ok(read);
                }
                Err(error) if error.is_retryable() => {
                    tracing::debug!(bucket = build.bucket.name, %error, "reading again");
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(build: &Build) -> Result<Self, StoreError> {
        let mut values = Values::new(&build.bucket, "", None);
        let mut sorted = Sorted::new(build);
        // There is a checkpoint at least.
        loop {
            let (value, pending) = values.next_soon(&build.bucket).await?;
            sorted.take(build, &value).await?;
            if pending == 0 {
                let sequence = values.sequence();
                return Ok(Self { sorted, sequence });
            }
        }
    }
}

struct Watcher {
    build: Arc<Build>,
    values: Values,
    after: Option<Position>,
    is_begun: bool,
    /// What it shares with other watchers, and how much of it was shown.
    beginning: Option<(Arc<Beginning>, usize)>,
    sorted: Sorted,
    /// Why the view has stopped, and until when the watch waits for what it did before.
    ending: Option<(ViewError, Instant)>,
}

impl Watcher {
    async fn next(&mut self) -> Result<AnyInstance, ViewError> {
        if !self.is_begun {
            self.begin().await?;
        }
        loop {
            while let Some(entry) = self.ready() {
                if self.after.is_none_or(|after| entry.position > after) {
                    return Ok(entry);
                }
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
                Ok((value, _)) => self.sorted.take(build, &value).await?,
                Err(error) if error.is_retryable() => {
                    tracing::debug!(bucket = self.build.bucket.name, %error, "watching on");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn begin(&mut self) -> Result<(), ViewError> {
        let beginning = tokio::select! {
            beginning = Beginning::shared(&self.build) => beginning?,
            error = self.build.progress.stopped() => return Err(error),
        };
        self.values.go_on_after(beginning.sequence);
        self.sorted.held.clone_from(&beginning.sorted.held);
        self.sorted.reached.clone_from(&beginning.sorted.reached);
        self.beginning = Some((beginning, 0));
        self.is_begun = true;
        Ok(())
    }

    fn ready(&mut self) -> Option<AnyInstance> {
        if let Some((beginning, shown)) = &mut self.beginning {
            if let Some(entry) = beginning.sorted.ready.get(*shown) {
                *shown += 1;
                return Some(entry.clone());
            }
            self.beginning = None;
        }
        self.sorted.ready.pop_front()
    }

    /// Whether the watch has seen everything that the view did before it stopped.
    fn has_all(&self) -> bool {
        let positions = self.build.progress.status().positions;
        let mut logs = self.build.logs.iter().enumerate();
        logs.all(|(log, of)| {
            positions
                .get(&of.name)
                .is_none_or(|at| *at <= self.sorted.reached.get(log))
        })
    }
}
