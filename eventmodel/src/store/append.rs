//! What a store writes in one step.

use std::sync::Arc;

use super::error::InvalidAppend;
use super::snapshot::Snapshot;
use crate::record::{CommandRef, Guard, NewEvent, RecordedEvent};

/// The events of one command, to be stored together. Clones are cheap: the engine makes the same append again when an
/// answer was lost.
#[derive(Clone, Debug)]
pub struct Append(Arc<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    log: Arc<str>,
    command: CommandRef,
    guards: Vec<Guard>,
    events: Vec<NewEvent>,
    snapshots: Vec<Snapshot>,
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
            if event.metadata.command != command || !event.metadata.id.is(&command.id, n) {
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
        Ok(Self(Arc::new(Parts {
            log,
            command,
            guards,
            events,
            snapshots: Vec::new(),
        })))
    }

    /// Adds the states of instances as they are after this append, to be kept beside the last event of each.
    ///
    /// # Errors
    /// [`InvalidAppend::SnapshotOfUnwritten`] if no event is on the subject of one of them.
    pub fn with_snapshots(mut self, snapshots: Vec<Snapshot>) -> Result<Self, InvalidAppend> {
        for Snapshot { subject, .. } in &snapshots {
            let mut events = self.0.events.iter();
            if !events.any(|event| event.metadata.subjects.contains(subject)) {
                return Err(InvalidAppend::SnapshotOfUnwritten {
                    subject: subject.clone(),
                });
            }
        }
        Arc::make_mut(&mut self.0).snapshots = snapshots;
        Ok(self)
    }

    /// The log.
    pub fn log(&self) -> &Arc<str> {
        &self.0.log
    }

    /// The command.
    pub fn command(&self) -> &CommandRef {
        &self.0.command
    }

    /// The guards: at least one for every subject that is written.
    pub fn guards(&self) -> &[Guard] {
        &self.0.guards
    }

    /// The events: at least one.
    pub fn events(&self) -> &[NewEvent] {
        &self.0.events
    }

    /// How many records it makes: each event on each of its subjects, and the guard of each instance that it does not
    /// write.
    pub fn records(&self) -> usize {
        let events = &self.0.events;
        let written = events.iter().map(|event| event.metadata.subjects.len());
        let is_written = |guard: &&Guard| {
            let mut events = events.iter();
            events.any(|event| event.metadata.subjects.contains(&guard.subject))
        };
        let only_guarded = self.0.guards.iter().filter(|guard| !is_written(guard));
        written.sum::<usize>() + only_guarded.count()
    }

    /// The snapshots: none, unless the store [keeps them](crate::store::Limits::snapshot).
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.0.snapshots
    }

    /// Takes it apart: the log, the command, the guards, the events. This drops the snapshots. If there are clones, it
    /// copies the rest.
    pub fn into_parts(self) -> (Arc<str>, CommandRef, Vec<Guard>, Vec<NewEvent>) {
        let Parts {
            log,
            command,
            guards,
            events,
            ..
        } = Arc::unwrap_or_clone(self.0);
        (log, command, guards, events)
    }
}

/// What an append has stored, now or before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Appended {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// For every subject that was written, the position of its last event of this append.
    pub revisions: Vec<Guard>,
    /// Whether the command had been committed before.
    pub already_committed: bool,
}

impl Appended {
    /// These events, and the position of the last one on each subject.
    pub fn new(events: Vec<RecordedEvent>, revisions: Vec<Guard>, already_committed: bool) -> Self {
        Self {
            events,
            revisions,
            already_committed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Subject;
    use crate::{CommandId, Metadata, Position};

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
        NewEvent::new(metadata, "{}".into())
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

    #[test]
    fn an_append_has_snapshots_only_of_what_it_writes() {
        let snapshot = |text| Snapshot {
            subject: subject(text),
            fold: 1,
            state: "{}".into(),
        };
        let guards = vec![guard("booking.1"), guard("room.1")];
        let append = append(guards, vec![event(&command("a"), 0, &["booking.1"])]).unwrap();
        let accepted = append.clone().with_snapshots(vec![snapshot("booking.1")]);
        assert_eq!(accepted.unwrap().snapshots(), [snapshot("booking.1")]);
        let refused = append.with_snapshots(vec![snapshot("booking.1"), snapshot("room.1")]);
        let subject = subject("room.1");
        assert_eq!(
            refused.unwrap_err(),
            InvalidAppend::SnapshotOfUnwritten { subject }
        );
    }
}
