//! Where logs are kept: the one trait that the author of a store implements.
//!
//! A store keeps logs, appends to them under guards, and reads them in order. Each function says what it promises;
//! `store_contract!` of `eventmodel-testing` tests these promises for every store.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use crate::record::{CommandId, CommandRef, Incarnation, Position, Subject, SubjectPattern};

mod append;
mod audit;
mod error;
mod inbox;
mod item;
mod limits;
mod log_inbox;
mod parking;
mod snapshot;
mod view_error;
mod view_progress;
mod views;

pub use crate::model::{ViewFold, ViewState};
pub use append::{Append, Appended};
pub use audit::{AuditEntry, AuditQuery, AuditTrail, AuditedEvent, Outcome};
pub use error::{AppendError, InvalidAppend, StoreError};
pub use inbox::{Inbox, InboxHost, InboxSpec, Trouble};
pub use item::Item;
pub use limits::Limits;
pub use log_inbox::{InboxStorage, LogInboxes, Progress};
pub use parking::{Claim, Kept, Parked, Parking};
pub use snapshot::{LoadedSnapshot, Snapshot};
pub use view_error::ViewError;
pub use view_progress::{ViewProgress, ViewStatus};
pub use views::{
    AnyInstance, HostedView, NotApplied, OpenView, ViewDefinition, ViewEvent, ViewHost, ViewPage,
    ViewTable, under,
};

/// What keeps the logs. Object-safe: an app runs on any store.
///
/// # What an author may ignore
///
/// - The functions with a default. The defaults are right for a store that keeps all ids, no snapshots, and nothing
///   but logs.
/// - [`Load::snapshot`] and [`Load::commands`]. They are hints: an answer with all events is always right.
/// - [`Load::floor`], in a store with one copy. Only a replica can break that promise.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Creates the logs that are missing and checks those that are there.
    ///
    /// # Errors
    /// [`StoreError`] if a log cannot be created, or is not what the model needs.
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError>;

    /// Appends the events of one command: all of them, or none, in one step with the test of the guards.
    ///
    /// The store looks up the id of the command, then tests the guards, then stores the events, next to each other and
    /// in their order. A store without an index of ids may say *conflict* although the id was used, in two cases only:
    /// the id was used on none of the guarded instances; or the command has no fingerprint, as under a fresh id, and
    /// the id was used only before the positions that the guards expect.
    ///
    /// # Errors
    /// - [`AppendError::IdReused`]: another command was committed under this id.
    /// - [`AppendError::Conflict`]: a guard did not hold, or another write was under way that might have broken it.
    ///   Nothing was stored.
    /// - [`AppendError::Unknown`]: it may or may not have been stored. The engine makes the same append again. Even if
    ///   the first one was stored, or is stored later, the log has its events once.
    /// - [`AppendError::TooMany`], [`AppendError::TooLarge`], [`AppendError::Store`]: nothing was stored.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// What lies on one stream instance after a position, in order. A replica that lags may answer: the
    /// engine guards what it decides on the answer.
    ///
    /// # Errors
    /// [`StoreError`]. The store fails rather than answer with a history that ends before `load.floor`. A store that
    /// can lose its end fails if `load.after` is gone: what it has there belongs to another history.
    async fn load(&self, load: Load) -> Result<Loaded, StoreError>;

    /// The position of the last event of one stream instance, or of its copy there; [`Position::START`] if there is
    /// none. The answer takes every append into account that was acknowledged before. A decision that appends nothing
    /// rests on it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError>;

    /// What a command with this id has committed before, if anything. The subjects are those that the command
    /// reads: a store without an index of ids looks for it there. The store finds every append that was acknowledged
    /// before, and every one that has moved a revision that the caller has seen.
    ///
    /// # Errors
    /// [`AppendError::IdReused`] if it was another command; [`AppendError::Store`].
    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError>;

    /// Whether the store knows, without asking anyone, that no event of this command is on an instance up to a
    /// position. On `false` the engine asks [`committed`](Self::committed). What is after the position does not count:
    /// a guard at the position finds that out.
    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        let _ = (log, subject, until, command);
        false
    }

    /// The position of the last event of a log. No append that was acknowledged before the call is after it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError>;

    /// Which log of this name it is: the same as long as positions mean the same, another one after the log was deleted
    /// and created again.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`] if no log of this name was opened.
    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError>;

    /// Reads a log in the order of positions, each event once, however many streams it belongs to. There is no gap and
    /// no duplicate while others append. What cannot be read is an item too, and the stream goes on after it. After an
    /// error the stream ends; it can be read again from the last position.
    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>>;

    /// How much the store takes.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Where views are hosted. *Default:* `None`, in the memory of this process.
    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        None
    }

    /// Where the progress of automations is kept, and what they have parked: [`LogInboxes`], if the store only keeps it.
    /// *Default:* `None`: each app keeps it in memory, and sees the whole log.
    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        None
    }

    /// Where the audit trail is kept. *Default:* `None`, in the memory of this process.
    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        None
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError> {
        (**self).open(logs).await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        (**self).append(append).await
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        (**self).load(load).await
    }

    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError> {
        (**self).revision(log, subject).await
    }

    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        (**self).committed(log, command, subjects).await
    }

    fn is_absent(
        &self,
        log: &Arc<str>,
        subject: &Subject,
        until: Position,
        command: &CommandId,
    ) -> bool {
        (**self).is_absent(log, subject, until, command)
    }

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        (**self).last_position(log).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<Item, StoreError>> {
        (**self).read(read)
    }

    fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        (**self).incarnation(log)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn views(&self) -> Option<Arc<dyn ViewHost>> {
        (**self).views()
    }

    fn inboxes(&self) -> Option<Arc<dyn InboxHost>> {
        (**self).inboxes()
    }

    fn audit(&self) -> Option<Arc<dyn AuditTrail>> {
        (**self).audit()
    }
}

/// A log that a model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The subjects of the streams in it.
    pub subjects: Vec<SubjectPattern>,
    /// The commands of which one append may carry several guards, as far as their types tell: they are guarded on
    /// several states, can emit several types of events, or one that is on several streams or not on the one of their
    /// state. Of which instances its events are, no type tells: that is seen when a command is executed.
    ///
    /// A store whose server cannot be trusted with several guards refuses to open the log if there is such a command.
    pub several_guards: Vec<&'static str>,
}

impl LogSpec {
    /// A log with these subjects, whose commands need one guard.
    pub fn new(name: impl Into<Arc<str>>, subjects: Vec<SubjectPattern>) -> Self {
        Self {
            name: name.into(),
            subjects,
            several_guards: Vec::new(),
        }
    }

    /// The commands that may need several guards.
    #[must_use]
    pub fn several_guards(mut self, commands: Vec<&'static str>) -> Self {
        self.several_guards = commands;
        self
    }
}

/// Which events of one stream instance to load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Load {
    /// The log.
    pub log: Arc<str>,
    /// The instance.
    pub subject: Subject,
    /// Only events after this: a revision of the instance that was seen, or [`Position::START`].
    pub after: Position,
    /// The answer must know of the event at this position on the subject: a replica that lags is not asked.
    pub floor: Position,
    /// The [fold](Snapshot::fold) of the snapshots that it could start from; `None` if it must be the events. Only
    /// with `after` at [`Position::START`].
    pub snapshot: Option<u64>,
    /// Whether it will be asked [which commands are absent](Store::is_absent): a store may remember which ones it
    /// has met, and may prefer the events to a snapshot.
    pub commands: bool,
}

impl Load {
    /// All events of an instance.
    pub fn new(log: Arc<str>, subject: Subject) -> Self {
        Self {
            log,
            subject,
            after: Position::START,
            floor: Position::START,
            snapshot: None,
            commands: false,
        }
    }

    /// Only those after a position.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// The answer must know of the event at this position.
    #[must_use]
    pub fn floor(mut self, position: Position) -> Self {
        self.floor = position;
        self
    }

    /// The fold of the snapshots that it may start from.
    #[must_use]
    pub fn snapshot(mut self, fold: Option<u64>) -> Self {
        self.snapshot = fold;
        self
    }

    /// Whether it will be asked which commands are absent.
    #[must_use]
    pub fn commands(mut self, commands: bool) -> Self {
        self.commands = commands;
        self
    }
}

/// The history of one stream instance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// A snapshot, if one was asked for and there is one: the state after all events up to its position.
    pub snapshot: Option<LoadedSnapshot>,
    /// What lies after the position, or after that of the snapshot if there is one; in order.
    pub items: Vec<Item>,
    /// The position of the last event on the subject, or of its copy there; [`Position::START`] if there is none.
    pub revision: Position,
}

impl Loaded {
    /// These items, up to a revision of the instance.
    pub fn new(items: Vec<Item>, revision: Position) -> Self {
        Self {
            snapshot: None,
            items,
            revision,
        }
    }

    /// The snapshot that the items go on from.
    #[must_use]
    pub fn snapshot(mut self, snapshot: Option<LoadedSnapshot>) -> Self {
        self.snapshot = snapshot;
        self
    }
}

/// Which events of a log to read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Read {
    /// The log.
    pub log: Arc<str>,
    /// Only events after this position.
    pub after: Position,
    /// Only events on a subject that fits one of these; all events if there are none.
    pub subjects: Vec<SubjectPattern>,
    /// Whether to wait for more at the end of the log. Else the stream ends there.
    pub follow: bool,
}

impl Read {
    /// All events of a log, to its end.
    pub fn new(log: Arc<str>) -> Self {
        Self {
            log,
            after: Position::START,
            subjects: Vec::new(),
            follow: false,
        }
    }

    /// Only those after a position.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// Only those on a subject that fits one of these; all, if there are none.
    #[must_use]
    pub fn subjects(mut self, subjects: Vec<SubjectPattern>) -> Self {
        self.subjects = subjects;
        self
    }

    /// Whether to wait for more at the end.
    #[must_use]
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }
}
