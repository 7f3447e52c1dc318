//! What a test of the suite stands on: a store with a fresh log, and calls that cannot wait for ever.
//!
//! A call that may succeed later is made again, as an app does it: the suite is about what a store answers, not
//! about whether a server can be reached at every moment.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use eventmodel::record::{CommandRef, Subject, SubjectPattern, SubjectWriter};
use eventmodel::store::{
    Append, AppendError, Appended, InboxHost, Item, Load, Loaded, LoadedSnapshot, LogSpec, Read,
};
use eventmodel::{MemoryStore, Position, RecordedEvent, Store, StoreError, memory};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::draft::Draft;
use super::reader::Reader;

/// How long one answer may take before a test fails: a minute, or `EVENTMODEL_CONTRACT_PATIENCE` in seconds.
pub(super) fn patience() -> Duration {
    let seconds = std::env::var("EVENTMODEL_CONTRACT_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// What was loaded of an instance, all of which can be read.
pub(super) struct History {
    pub(super) snapshot: Option<LoadedSnapshot>,
    pub(super) events: Vec<RecordedEvent>,
    pub(super) revision: Position,
}

impl History {
    fn of(loaded: Loaded) -> Result<Self, StoreError> {
        let events = loaded.items.into_iter().map(Item::event);
        Ok(Self {
            snapshot: loaded.snapshot,
            events: events.collect::<Result<_, _>>()?,
            revision: loaded.revision,
        })
    }
}

/// A store and a log in it that no other test knows. Clones share both.
#[derive(Clone, Debug)]
pub struct Bench {
    pub(super) store: Arc<dyn Store>,
    pub(super) log: Arc<str>,
    prefix: Arc<str>,
    pub(super) patience: Duration,
    memory: MemoryStore,
}

impl Bench {
    /// Opens a log of its own in the store.
    pub async fn open(store: Arc<dyn Store>) -> Self {
        let bench = Self::unopened(store);
        bench.reopen().await;
        bench
    }

    /// A log of its own that is not open yet.
    pub(super) fn unopened(store: Arc<dyn Store>) -> Self {
        // Other logs may be on the same server: neither the name nor a subject may be one of theirs.
        let unique = Uuid::now_v7().simple().to_string();
        Self {
            store,
            log: format!("contract_{unique}").into(),
            prefix: format!("c{unique}").into(),
            patience: patience(),
            memory: MemoryStore::new(),
        }
    }

    /// Another log in the same store.
    pub(super) async fn another_log(&self) -> Self {
        Self::open(self.store.clone()).await
    }

    /// Where the progress of automations is kept: in memory, if the store keeps none.
    pub(super) fn inboxes(&self) -> Arc<dyn InboxHost> {
        let kept = self.store.inboxes();
        kept.unwrap_or_else(|| memory::inboxes_of(&self.memory))
    }

    /// Opens the log again, or for the first time.
    pub(super) async fn reopen(&self) {
        let spec = self.spec();
        self.answer("open the log", || {
            self.store.open(std::slice::from_ref(&spec))
        })
        .await
        .unwrap_or_else(|error| panic!("the log cannot be opened: {error}"));
    }

    /// What a model with the streams `account.{}`, `course.{}`, `student.{}` and `seat.{}.{}` needs.
    pub(super) fn spec(&self) -> LogSpec {
        let patterns = ["account.*", "course.*", "student.*", "seat.*.*"];
        LogSpec::new(
            self.log.clone(),
            patterns.iter().map(|text| self.pattern(text)).collect(),
        )
        .several_guards(vec!["Move"])
    }

    /// A pattern over the subjects of this log.
    pub(super) fn pattern(&self, text: &str) -> SubjectPattern {
        let text = format!("{}.{text}", self.prefix);
        SubjectPattern::new(&text).expect("the suite writes valid patterns")
    }

    /// The instance of `account.{key}`.
    pub(super) fn account(&self, key: impl Display) -> Subject {
        self.subject("account", &[&key.to_string()])
    }

    /// The instance of `course.{key}`.
    pub(super) fn course(&self, key: impl Display) -> Subject {
        self.subject("course", &[&key.to_string()])
    }

    /// The instance of `student.{key}`.
    pub(super) fn student(&self, key: impl Display) -> Subject {
        self.subject("student", &[&key.to_string()])
    }

    /// The instance of `seat.{row}.{number}`.
    pub(super) fn seat(&self, row: impl Display, number: impl Display) -> Subject {
        self.subject("seat", &[&row.to_string(), &number.to_string()])
    }

    fn subject(&self, stream: &str, key: &[&str]) -> Subject {
        let mut subject = SubjectWriter::new();
        subject.literal(&self.prefix).literal(".").literal(stream);
        for part in key {
            subject.literal(".").token(&(*part).to_owned());
        }
        subject.finish().expect("the suite's keys are short enough")
    }

    /// The part of every subject before the name of its stream, with the dot.
    pub(super) fn prefix(&self) -> String {
        format!("{}.", self.prefix)
    }

    /// A command of this name, with a fresh id.
    pub(super) fn command(&self, name: &str) -> Draft<'_> {
        Draft::new(self, name)
    }

    /// Appends; made again as long as the answer is that it may succeed later.
    pub(super) async fn append(&self, append: &Append) -> Result<Appended, AppendError> {
        let deadline = Instant::now() + self.patience;
        let mut in_doubt = false;
        loop {
            let answer = self.store.append(append.clone());
            let answer = timeout(self.patience, answer).await.unwrap_or_else(|_| {
                panic!("an append was not answered within {:?}", self.patience)
            });
            match answer {
                Err(error) if error.is_retryable() && Instant::now() < deadline => {
                    in_doubt |= matches!(error, AppendError::Unknown { .. });
                }
                // Whether the attempt with the lost answer has stored it cannot be told apart from the outside.
                Ok(mut appended) if in_doubt => {
                    appended.already_committed = false;
                    return Ok(appended);
                }
                answer => return answer,
            }
            sleep(RETRY).await;
        }
    }

    /// The whole history of an instance that is known to have an event at `floor`.
    pub(super) async fn history(&self, subject: &Subject, floor: Position) -> Vec<RecordedEvent> {
        self.load(subject, Position::START, floor).await.events
    }

    pub(super) async fn load(
        &self,
        subject: &Subject,
        after: Position,
        floor: Position,
    ) -> History {
        self.load_from(subject, after, floor, None, false).await
    }

    /// Loads an instance from a snapshot of this fold, if there is one.
    pub(super) async fn load_snapshot(
        &self,
        subject: &Subject,
        fold: u64,
        floor: Position,
    ) -> History {
        let start = Position::START;
        self.load_from(subject, start, floor, Some(fold), false)
            .await
    }

    /// Loads an instance by whom it will be asked which commands are absent.
    pub(super) async fn load_commands(
        &self,
        subject: &Subject,
        after: Position,
        floor: Position,
    ) -> History {
        self.load_from(subject, after, floor, None, true).await
    }

    async fn load_from(
        &self,
        subject: &Subject,
        after: Position,
        floor: Position,
        snapshot: Option<u64>,
        commands: bool,
    ) -> History {
        let load = Load::new(self.log.clone(), subject.clone())
            .after(after)
            .floor(floor)
            .snapshot(snapshot)
            .commands(commands);
        let loaded = self.answer("load", || self.store.load(load.clone())).await;
        let history = loaded.and_then(History::of);
        history.unwrap_or_else(|error| panic!("`{subject}` cannot be loaded: {error}"))
    }

    pub(super) async fn revision(&self, subject: &Subject) -> Position {
        self.answer("give a revision", || {
            self.store.revision(&self.log, subject)
        })
        .await
        .unwrap_or_else(|error| panic!("`{subject}` has no revision: {error}"))
    }

    pub(super) async fn last_position(&self) -> Position {
        self.answer("give the last position", || {
            self.store.last_position(&self.log)
        })
        .await
        .unwrap_or_else(|error| panic!("the log has no last position: {error}"))
    }

    pub(super) async fn committed(
        &self,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        self.answer("look up a command", || {
            self.store.committed(&self.log, command, subjects)
        })
        .await
    }

    /// All events of the log, as they are now.
    pub(super) async fn all(&self) -> Vec<RecordedEvent> {
        self.read(Position::START, &[]).rest().await
    }

    /// Reads to the end of the log.
    pub(super) fn read(&self, after: Position, subjects: &[SubjectPattern]) -> Reader {
        self.reader(after, subjects, false)
    }

    /// Reads, and waits for more at the end of the log.
    pub(super) fn follow(&self, after: Position, subjects: &[SubjectPattern]) -> Reader {
        self.reader(after, subjects, true)
    }

    fn reader(&self, after: Position, subjects: &[SubjectPattern], follow: bool) -> Reader {
        let read = Read::new(self.log.clone())
            .after(after)
            .subjects(subjects.to_vec())
            .follow(follow);
        Reader::new(self.store.clone(), read, self.patience)
    }

    /// Asks until the answer is not "try again".
    pub(super) async fn answer<T, E, F>(&self, what: &str, ask: impl Fn() -> F) -> Result<T, E>
    where
        E: Retryable,
        F: Future<Output = Result<T, E>>,
    {
        let deadline = Instant::now() + self.patience;
        loop {
            let answer = timeout(self.patience, ask())
                .await
                .unwrap_or_else(|_| panic!("the store did not {what} within {:?}", self.patience));
            match answer {
                Err(error) if error.is_retryable() && Instant::now() < deadline => {}
                answer => return answer,
            }
            sleep(RETRY).await;
        }
    }
}

/// Between two attempts, so that a server that is away is not called in a tight loop.
pub(super) const RETRY: Duration = Duration::from_millis(20);

pub(super) trait Retryable {
    fn is_retryable(&self) -> bool;
}

impl Retryable for StoreError {
    fn is_retryable(&self) -> bool {
        StoreError::is_retryable(self)
    }
}

impl Retryable for AppendError {
    fn is_retryable(&self) -> bool {
        AppendError::is_retryable(self)
    }
}
