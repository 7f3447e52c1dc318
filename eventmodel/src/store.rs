//! Where logs are kept: the one trait that every engine implements.
//!
//! A store keeps logs, appends to them under guards, and reads them in order. What it promises is written at each
//! function and tested, for every store, by `eventmodel::testing::store_contract!`.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use crate::audit::{AuditTrail, MemoryAudit};
use crate::inbox::{InboxHost, MemoryInboxes};
use crate::view::{MemoryViews, ViewHost};
use crate::{CommandRef, Guard, NewEvent, Position, RecordedEvent, Subject, SubjectPattern};

mod error;

pub use error::{AppendError, InvalidAppend, StoreError};

/// The engine that keeps the logs. Object-safe: an app does not care which one it runs on.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Creates the logs that are missing and checks those that are there.
    ///
    /// # Errors
    /// [`StoreError`] if a log cannot be created, or is not what the model needs.
    async fn open(&self, logs: &[LogSpec]) -> Result<(), StoreError>;

    /// Appends the events of one command: all of them, or none, in one step with the test of the guards.
    ///
    /// In this order: the id of the command is looked up, then the guards are tested, then the events are stored,
    /// next to each other and in their order.
    ///
    /// # Errors
    /// - [`AppendError::IdReused`]: another command was committed under this id.
    /// - [`AppendError::Conflict`]: a guard did not hold, or another write was under way that might have broken it.
    ///   Nothing was stored.
    /// - [`AppendError::Unknown`]: it may or may not have been stored. The same append can be made again: if the
    ///   first one was stored, or is stored later, there is still one of it.
    /// - [`AppendError::TooLarge`], [`AppendError::Store`]: nothing was stored.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The events of one stream instance after a position, in order. A replica that lags may answer: what is decided
    /// on it is guarded.
    ///
    /// # Errors
    /// [`StoreError`]. Never a history that is shorter than the truth as of `load.floor`.
    async fn load(&self, load: Load) -> Result<Loaded, StoreError>;

    /// The position of the last event of one stream instance, or of its copy there; [`Position::START`] if there is
    /// none. As of now: every append that has been acknowledged is seen. A decision that appends nothing rests on it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revision(&self, log: &Arc<str>, subject: &Subject) -> Result<Position, StoreError>;

    /// What a command with this id has committed before, if anything. The subjects are those that the command
    /// reads: a store without an index of ids looks for it there. As of now: what moved a revision that has been seen
    /// is found, and every append that has been acknowledged.
    ///
    /// # Errors
    /// [`AppendError::IdReused`] if it was another command; [`AppendError::Store`].
    async fn committed(
        &self,
        log: &Arc<str>,
        command: &CommandRef,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError>;

    /// The position of the last event of a log. As of now: no append that has been acknowledged is after it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError>;

    /// Reads a log in the order of positions, each event once, however many streams it belongs to. No gap, no
    /// duplicate, while others append. After an error the stream ends; it can be read again from the last position.
    fn read(&self, read: Read) -> BoxStream<'static, Result<RecordedEvent, StoreError>>;

    /// Where views live. In this process, unless the store has a better place.
    fn views(&self) -> Arc<dyn ViewHost> {
        Arc::new(MemoryViews)
    }

    /// Where the progress of automations lives. In this process, unless the store has a better place.
    fn inboxes(&self) -> Arc<dyn InboxHost> {
        Arc::new(MemoryInboxes)
    }

    /// Where the audit trail lives. In this process, unless the store has a better place.
    fn audit(&self) -> Arc<dyn AuditTrail> {
        Arc::new(MemoryAudit::default())
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

    async fn last_position(&self, log: &Arc<str>) -> Result<Position, StoreError> {
        (**self).last_position(log).await
    }

    fn read(&self, read: Read) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
        (**self).read(read)
    }

    fn views(&self) -> Arc<dyn ViewHost> {
        (**self).views()
    }

    fn inboxes(&self) -> Arc<dyn InboxHost> {
        (**self).inboxes()
    }

    fn audit(&self) -> Arc<dyn AuditTrail> {
        (**self).audit()
    }
}

/// A log that a model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The subjects of the streams in it.
    pub subjects: Vec<SubjectPattern>,
}

/// The events of one command, to be stored together.
#[derive(Clone, Debug)]
pub struct Append {
    log: Arc<str>,
    command: CommandRef,
    guards: Vec<Guard>,
    events: Vec<NewEvent>,
}

impl Append {
    /// An append of `events`, if `guards` hold.
    ///
    /// # Errors
    /// [`InvalidAppend`] if there is no event, a subject is written without a guard, two guards are on one
    /// subject, or an event is not one of `command`.
    pub fn new(
        log: Arc<str>,
        command: CommandRef,
        guards: Vec<Guard>,
        events: Vec<NewEvent>,
    ) -> Result<Self, InvalidAppend> {
        if events.is_empty() {
            return Err(InvalidAppend::NoEvents);
        }
        for (i, guard) in guards.iter().enumerate() {
            if guards[..i]
                .iter()
                .any(|earlier| earlier.subject == guard.subject)
            {
                return Err(InvalidAppend::GuardedTwice {
                    subject: guard.subject.clone(),
                });
            }
        }
        for (n, event) in events.iter().enumerate() {
            if event.metadata.command != command || event.metadata.id != command.id.event(n) {
                return Err(InvalidAppend::OtherCommand {
                    event: event.metadata.id.clone(),
                });
            }
            for subject in event.metadata.subjects.iter() {
                if !guards.iter().any(|guard| guard.subject == *subject) {
                    return Err(InvalidAppend::Unguarded {
                        subject: subject.clone(),
                    });
                }
            }
        }
        Ok(Self {
            log,
            command,
            guards,
            events,
        })
    }

    /// The log.
    pub fn log(&self) -> &Arc<str> {
        &self.log
    }

    /// The command.
    pub fn command(&self) -> &CommandRef {
        &self.command
    }

    /// The guards: at least one for every subject that is written.
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// The events: at least one.
    pub fn events(&self) -> &[NewEvent] {
        &self.events
    }

    /// Takes it apart: the log, the command, the guards, the events.
    pub fn into_parts(self) -> (Arc<str>, CommandRef, Vec<Guard>, Vec<NewEvent>) {
        (self.log, self.command, self.guards, self.events)
    }
}

/// What an append has stored, or had stored before.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// For every subject that was written, the position of its last event of this append.
    pub revisions: Vec<Guard>,
    /// Whether the command had been committed before.
    pub already_committed: bool,
}

/// Which events of one stream instance to load.
#[derive(Clone, Debug)]
pub struct Load {
    /// The log.
    pub log: Arc<str>,
    /// The instance.
    pub subject: Subject,
    /// Only events after this position.
    pub after: Position,
    /// The answer must know of the event at this position on the subject: a replica that lags is not asked.
    pub floor: Position,
}

/// The events of one stream instance.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The events after the position, in order.
    pub events: Vec<RecordedEvent>,
    /// The position of the last event on the subject, or of its copy there; [`Position::START`] if there is none.
    pub revision: Position,
}

/// Which events of a log to read.
#[derive(Clone, Debug)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandId, Metadata};

    fn subject(text: &str) -> Subject {
        Subject::new(text).unwrap()
    }

    fn command(id: &str) -> CommandRef {
        CommandRef {
            id: CommandId::new(id).unwrap(),
            name: "BookRoom".into(),
            fingerprint: None,
            events: 1,
        }
    }

    fn guard(text: &str) -> Guard {
        Guard {
            subject: subject(text),
            expected: Position::START,
        }
    }

    fn event(command: &CommandRef, n: usize, subjects: &[&str]) -> NewEvent {
        let metadata = Metadata {
            position: Position::START,
            subjects: subjects.iter().map(|text| subject(text)).collect(),
            id: command.id.event(n),
            event_type: "RoomBooked".into(),
            version: 1,
            time: jiff::Timestamp::UNIX_EPOCH,
            source: "test".into(),
            content_type: "application/json".into(),
            correlation_id: "c".into(),
            causation_id: None,
            traceparent: None,
            command: command.clone(),
        };
        NewEvent {
            metadata,
            payload: "{}".into(),
        }
    }

    fn append(guards: Vec<Guard>, events: Vec<NewEvent>) -> Result<Append, InvalidAppend> {
        Append::new("hotel".into(), command("a"), guards, events)
    }

    #[test]
    fn an_append_has_a_guard_for_every_subject_that_it_writes() {
        let a = command("a");
        let events = vec![
            event(&a, 0, &["booking.1"]),
            event(&a, 1, &["booking.1", "room.1"]),
        ];
        let unguarded = |text| InvalidAppend::Unguarded {
            subject: subject(text),
        };
        let refused = append(vec![], events.clone()).unwrap_err();
        assert_eq!(refused, unguarded("booking.1"));
        let refused = append(vec![guard("booking.1")], events.clone()).unwrap_err();
        assert_eq!(refused, unguarded("room.1"));
        // More guards than subjects are fine: an instance may be only read.
        let guards = ["room.1", "guest.1", "booking.1"].map(guard).to_vec();
        let accepted = append(guards.clone(), events).unwrap();
        assert_eq!(accepted.guards(), guards);
    }

    #[test]
    fn an_append_has_an_event() {
        let refused = append(vec![guard("booking.1")], vec![]).unwrap_err();
        assert_eq!(refused, InvalidAppend::NoEvents);
    }

    #[test]
    fn an_append_has_one_guard_for_a_subject() {
        let guards = vec![guard("room.1"), guard("booking.1"), guard("room.1")];
        let events = vec![event(&command("a"), 0, &["booking.1"])];
        let subject = subject("room.1");
        let refused = append(guards, events).unwrap_err();
        assert_eq!(refused, InvalidAppend::GuardedTwice { subject });
    }

    #[test]
    fn an_append_has_the_events_of_one_command_in_their_order() {
        let (a, b) = (command("a"), command("b"));
        let of = |command, n| event(command, n, &["booking.1"]);
        let mut renamed = of(&a, 0);
        renamed.metadata.command.name = "CheckIn".into();
        for (events, wrong) in [
            (vec![of(&b, 0)], b.id.event(0)),
            (vec![of(&a, 1)], a.id.event(1)),
            (vec![of(&a, 0), of(&a, 0)], a.id.event(0)),
            (vec![of(&a, 0), of(&a, 2)], a.id.event(2)),
            (vec![renamed], a.id.event(0)),
        ] {
            let refused = append(vec![guard("booking.1")], events).unwrap_err();
            assert_eq!(refused, InvalidAppend::OtherCommand { event: wrong });
        }
    }
}
