//! A log: a JetStream stream that has been opened.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::jetstream::stream::Stream;
use eventmodel::{StoreError, Subject};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::command_ids::CommandIds;
use crate::connection::Connection;
use crate::history::History;

/// A log that has been opened.
pub(crate) struct Log {
    pub(crate) name: Arc<str>,
    pub(crate) connection: Connection,
    pub(crate) stream: Stream<()>,
    /// When the JetStream stream was created: another one of its name starts its sequences again.
    pub(crate) created: Timestamp,
    /// Whether another stream was found under its name.
    replaced: AtomicBool,
    /// The last sequence that this process has been given: what is sent after that stands behind it.
    newest: AtomicU64,
    /// The largest message that it takes, if it has a limit of its own.
    pub(crate) max_message: Option<usize>,
    /// What stands before the next event of an instance, so that it can be said in its header.
    trails: Cache<Subject, Trail>,
    /// Which ids of commands stand on an instance.
    pub(crate) command_ids: CommandIds,
}

/// The last message of an instance, and what is before it.
#[derive(Clone)]
struct Trail {
    last: u64,
    history: Arc<History>,
}

impl Log {
    pub(crate) fn new(
        name: Arc<str>,
        connection: Connection,
        stream: Stream<()>,
        created: Timestamp,
        max_message: Option<usize>,
        trails: usize,
    ) -> Self {
        Self {
            name,
            connection,
            stream,
            created,
            replaced: AtomicBool::new(false),
            newest: AtomicU64::new(0),
            max_message,
            trails: Cache::new(trails),
            command_ids: CommandIds::default(),
        }
    }

    /// The subject of the messages that carry guards on instances that are not written.
    pub(crate) fn guard_subject(name: &str) -> String {
        format!("eventmodel.{name}.guard")
    }

    /// The history of the next message on a subject whose last message is at `last`.
    pub(crate) fn history_after(&self, subject: &Subject, last: u64) -> Arc<History> {
        if last == 0 {
            return Arc::new(History::first());
        }
        match self.trails.get(subject) {
            Some(trail) if trail.last == last => trail.history,
            _ => Arc::new(History::only(last)),
        }
    }

    /// Notes what the next message on a subject has before it: the message at `last`, which itself has `history`.
    pub(crate) fn note(&self, subject: &Subject, last: u64, history: &History) {
        let newer = self
            .trails
            .peek(subject)
            .is_some_and(|trail| trail.last >= last);
        if !newer {
            let history = Arc::new(history.then(last));
            self.trails.insert(subject.clone(), Trail { last, history });
        }
    }

    /// Fails if the stream is known to be another one than was opened.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.replaced.load(Ordering::Relaxed) {
            return Err(self.recreated());
        }
        Ok(())
    }

    /// Asks the server whether the stream is still the one that was opened.
    pub(crate) async fn verify(&self) -> Result<(), StoreError> {
        self.last_sequence().await.map(drop)
    }

    /// Asks, after the connection was lost, also whether the stream still has its end: what was not on the disk of a
    /// machine that lost power is gone, and its positions come again.
    pub(crate) async fn verify_end(&self) -> Result<(), StoreError> {
        let known = self.newest_known();
        let until = Instant::now() + 4 * self.connection.timeout;
        // A leader that was just elected may be about to apply what it has.
        while self.last_sequence().await? < known {
            if Instant::now() >= until {
                self.replaced();
                return Err(self.recreated());
            }
            tokio::time::sleep(self.connection.timeout / 20).await;
        }
        Ok(())
    }

    /// The last sequence, if the stream is still the one that was opened.
    async fn last_sequence(&self) -> Result<u64, StoreError> {
        self.check()?;
        let api = format!("{}.STREAM.INFO.{}", self.connection.api, self.name);
        let ask = || self.connection.stream_info(&self.name);
        let info = self.connection.patiently(&api, ask).await?;
        if let Some(info) = info.filter(|info| info.created == self.created) {
            return Ok(info.state.last_seq);
        }
        self.replaced();
        Err(self.recreated())
    }

    /// Another stream was found under its name.
    pub(crate) fn replaced(&self) {
        self.replaced.store(true, Ordering::Relaxed);
    }

    /// A message was stored at this sequence.
    pub(crate) fn knows(&self, sequence: u64) {
        self.newest.fetch_max(sequence, Ordering::Relaxed);
    }

    /// The last sequence that is known to be taken.
    pub(crate) fn newest_known(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    pub(crate) fn recreated(&self) -> StoreError {
        let (log, created) = (self.name.clone(), self.created);
        StoreError::Drift {
            log,
            reason: format!(
                "the JetStream stream was deleted, created again (it was created at {created} when it was opened), or has \
                 lost its end: positions come again, so what this process knows is of another log; restart it"
            ),
        }
    }

    /// The log does not know of what was seen in it.
    pub(crate) fn too_short(&self, subject: &Subject, seen: u64) -> StoreError {
        StoreError::Drift {
            log: self.name.clone(),
            reason: format!(
                "position {seen} was seen on `{subject}` and is not there any more: the JetStream stream was \
                 restored from an older state, or deleted and created again; restart this process"
            ),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("name", &self.name)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
