//! A log: a JetStream stream that has been opened.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_nats::jetstream::stream::{Config, Stream};
use eventmodel::StoreError;
use eventmodel::record::Subject;
use jiff::Timestamp;
use quick_cache::sync::Cache;
use tokio::time::{Instant, sleep};

use crate::connect::connection::Connection;
use crate::connect::drift::drifted;
use crate::connect::leader::Leader;
use crate::sync::{SingleFlight, locked};

pub(crate) mod append;
mod batch;
mod by_subject;
mod command_ids;
mod drift;
mod get;
mod history;
mod load;
pub(crate) mod logs;
mod lookup;
pub(crate) mod message;
mod open;
pub(crate) mod read;
pub(crate) mod snapshot;

use command_ids::CommandIds;
use history::History;
use message::Identity;

/// Which server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Any replica, which may lag.
    Any,
    /// The leader, which knows all acknowledged messages. The store waits for its election.
    Leader,
}

/// A log that has been opened.
pub(crate) struct Log {
    pub(crate) name: Arc<str>,
    pub(crate) connection: Connection,
    pub(crate) stream: Stream<()>,
    /// When the JetStream stream was created: another stream of the same name restarts its sequences.
    pub(crate) created: Timestamp,
    /// Whether the store has found another stream under its name.
    replaced: AtomicBool,
    /// The last message that this process has seen. While it is there, everything before it is there too: a log loses
    /// its end first.
    end: Mutex<(u64, Identity)>,
    /// How often the connection had been lost when this process last verified that message.
    verified: AtomicU64,
    verifying: SingleFlight,
    /// The server that leads the log.
    pub(crate) leader: Leader,
    /// The largest message that the stream takes; the server may take less.
    pub(crate) max_message: AtomicUsize,
    /// What precedes the next event of an instance, for its header.
    latest: Cache<Subject, Latest>,
    /// Which command ids an instance has.
    pub(crate) command_ids: CommandIds,
}

/// The last message of an instance, and what precedes it.
#[derive(Clone)]
struct Latest {
    sequence: u64,
    history: Arc<History>,
}

impl Log {
    pub(crate) fn new(
        name: Arc<str>,
        connection: Connection,
        stream: Stream<()>,
        created: Timestamp,
        max_message: usize,
        remembered: usize,
    ) -> Self {
        Self {
            verified: AtomicU64::new(connection.events.losses()),
            verifying: SingleFlight::default(),
            leader: Leader::new(name.clone(), connection.clone()),
            name,
            connection,
            stream,
            created,
            replaced: AtomicBool::new(false),
            end: Mutex::default(),
            max_message: AtomicUsize::new(max_message),
            latest: Cache::new(remembered),
            command_ids: CommandIds::default(),
        }
    }

    /// The subject of the messages that carry guards on instances without a new event.
    pub(crate) fn guard_subject(name: &str) -> String {
        format!("eventmodel.{name}.guard")
    }

    /// The history of the next message on a subject whose last message is at `last`.
    pub(crate) fn history_after(&self, subject: &Subject, last: u64) -> Arc<History> {
        if last == 0 {
            return Arc::new(History::first());
        }
        match self.latest.get(subject) {
            Some(latest) if latest.sequence == last => latest.history,
            _ => Arc::new(History::only(last)),
        }
    }

    /// Notes what precedes the next message on a subject: the message at `last`, which itself has `history`.
    pub(crate) fn note(&self, subject: &Subject, last: u64, history: &History) {
        let newer = self
            .latest
            .peek(subject)
            .is_some_and(|latest| latest.sequence >= last);
        if !newer {
            let history = Arc::new(history.then(last));
            self.latest.insert(
                subject.clone(),
                Latest {
                    sequence: last,
                    history,
                },
            );
        }
    }

    /// Fails if another stream is known to have replaced the opened one.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.replaced.load(Ordering::Relaxed) {
            return Err(self.recreated());
        }
        Ok(())
    }

    /// Call it before relying on anything seen earlier: after a lost connection it verifies that the log still has it.
    pub(crate) async fn verified(&self) -> Result<(), StoreError> {
        if self.is_verified() {
            return self.check();
        }
        Box::pin(self.verifying.ask(|| self.is_verified(), async {
            let losses = self.connection.events.losses();
            self.verify_end().await?;
            self.verified.store(losses, Ordering::Relaxed);
            Ok(())
        }))
        .await?;
        self.check()
    }

    fn is_verified(&self) -> bool {
        self.verified.load(Ordering::Relaxed) == self.connection.events.losses()
    }

    /// Verifies also that the stream still has its end: a machine that loses power loses what was not on its disk, and
    /// positions come again.
    pub(crate) async fn verify_end(&self) -> Result<(), StoreError> {
        let (sequence, identity) = *self.end();
        let until = Instant::now() + 4 * self.connection.timeout;
        loop {
            self.verify().await?;
            if sequence == 0 {
                return Ok(());
            }
            match self.at(sequence, Source::Leader).await? {
                Some(message) if message.identity() == identity => return Ok(()),
                // A new leader may not have applied everything yet.
                None if Instant::now() < until => sleep(self.connection.timeout / 20).await,
                _ => {
                    self.replaced();
                    return Err(self.recreated());
                }
            }
        }
    }

    /// Asks the server whether the stream is still the one that the store opened.
    pub(crate) async fn verify(&self) -> Result<(), StoreError> {
        self.check()?;
        match self.connection.stream_info(&self.name).await? {
            Some(info) if info.created == self.created => {
                self.leader.note(&info);
                Ok(())
            }
            _ => {
                self.replaced();
                Err(self.recreated())
            }
        }
    }

    /// Notes that another stream has its name.
    pub(crate) fn replaced(&self) {
        self.replaced.store(true, Ordering::Relaxed);
    }

    /// Notes which message is at this sequence.
    pub(crate) fn knows(&self, sequence: u64, identity: impl FnOnce() -> Identity) {
        // After an unverified loss, a newer message says nothing about earlier ones.
        if !self.is_verified() {
            return;
        }
        let mut end = self.end();
        if sequence > end.0 {
            *end = (sequence, identity());
        }
    }

    /// The newest sequence that this process has seen.
    pub(crate) fn newest_known(&self) -> u64 {
        self.end().0
    }

    fn end(&self) -> MutexGuard<'_, (u64, Identity)> {
        locked(&self.end)
    }

    pub(crate) fn recreated(&self) -> StoreError {
        let created = self.created;
        drifted(
            self.name.clone(),
            format!(
                "the JetStream stream was deleted, created again (it was created at {created} when it was opened), or has \
                 lost its end: positions come again, so what this process knows is of another log; restart it"
            ),
        )
    }

    /// The error for lost events.
    pub(crate) fn lost(&self, what: &str) -> StoreError {
        drifted(self.name.clone(), lost(&self.name, what))
    }

    /// The error for a message that must exist and does not.
    pub(crate) async fn missing(&self, sequence: u64) -> StoreError {
        let info = self.connection.stream_info(&self.name).await;
        let ends = info.ok().flatten().map(|info| info.state.last_seq);
        if ends.is_some_and(|ends| ends < sequence) {
            return StoreError::failed(format!(
                "the log `{}` ends before position {sequence}, where another event of the same command must be: its \
                 server has stored a part of a batch, as it does when an account or its disk is full in the middle of \
                 one",
                self.name
            ));
        }
        self.lost(&format!("position {sequence} is gone"))
    }

    /// The error if the log begins after a known position.
    async fn lost_since(&self, seen: u64, known: &str) -> Option<StoreError> {
        let info = self
            .connection
            .stream_info(&self.name)
            .await
            .ok()
            .flatten()?;
        let begins = info.lost_before().filter(|begins| *begins > seen)?;
        let what = format!("position {seen} was {known}, and the log begins at {begins}");
        Some(self.lost(&what))
    }

    /// The error if the log does not continue after the last message read: it lost that one, or is another log.
    pub(crate) async fn broken_off(&self, seen: u64) -> StoreError {
        if let Some(lost) = self.lost_since(seen, "read").await {
            return lost;
        }
        self.replaced();
        self.recreated()
    }

    /// The error if the log lacks a position that this process has seen.
    pub(crate) async fn too_short(&self, subject: &Subject, seen: u64) -> StoreError {
        let known = format!("seen on `{subject}`");
        if let Some(lost) = self.lost_since(seen, &known).await {
            return lost;
        }
        drifted(
            self.name.clone(),
            format!(
                "position {seen} was seen on `{subject}` and is not there any more: the JetStream stream was \
                 restored from an older state, or deleted and created again; restart this process"
            ),
        )
    }
}

/// What to do about a log that has lost events.
pub(crate) fn lost(log: &str, what: &str) -> String {
    format!(
        "{what}: a limit or a purge has removed events of the JetStream stream `{log}`. First lift what removes them: \
         `nats stream edit {log} --discard new --max-age 0 --max-msgs=-1 --max-msgs-per-subject=-1`. Then, if there is a \
         backup, stop the programs, run `nats stream rm {log}` and `nats stream restore <folder>`, and start them. If there \
         is none, start them with `NatsStoreBuilder::accept_lost_events` and go on with what is left: an instance that has \
         lost some of its events takes no command, one that has lost all begins anew, and what is built from the log \
         lacks them. Or give all up: stop them, run `nats stream rm {log}` and, if there is one, `nats kv del \
         {log}-parked`, and start them: the log begins anew"
    )
}

/// The largest message that a JetStream stream takes; its server may take less.
pub(crate) fn max_message(config: &Config) -> usize {
    let max = usize::try_from(config.max_message_size);
    max.ok().filter(|max| *max > 0).unwrap_or(usize::MAX)
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("name", &self.name)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
