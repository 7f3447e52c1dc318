//! Preparing an append: the guards, and the events as they will be recorded.

use super::snapshots::Folded;
use super::{EmittedEvent, ErasedSlot, ExecuteError, Execution, Failed};
use crate::model::{Recordable, Unrecordable};
use crate::record::{CommandRef, Cursor, Guard, Metadata, NewEvent, Position, Receipt, Subject};
use crate::store::Append;

/// What to do with the events of a decision.
pub(super) enum Prepared {
    Append(Ready),
    /// Append nothing: the command was committed before.
    Committed(Receipt),
}

/// An append, and the states that were folded for its snapshots.
pub(super) struct Ready {
    pub(super) append: Append,
    pub(super) folded: Vec<Folded>,
}

impl Execution<'_> {
    /// Guards every instance that the events are written to or that was decided on.
    pub(super) async fn prepare(
        &mut self,
        emitted: Vec<EmittedEvent>,
        slots: &[&mut dyn ErasedSlot],
    ) -> Result<Prepared, Failed> {
        let mut guards: Vec<Guard> = Vec::with_capacity(slots.len() + 1);
        for slot in slots.iter().filter(|slot| slot.guarded()) {
            if !is_guarded(&guards, slot.subject()) {
                guards.push(Guard {
                    subject: slot.subject().clone(),
                    expected: seen(slots, slot.subject()).unwrap_or_default(),
                });
            }
        }
        let mut command = self.command.clone();
        command.events = u32::try_from(emitted.len()).unwrap_or(u32::MAX);
        let events = self.record(&command, emitted)?;
        for subject in events.iter().flat_map(|event| &*event.metadata.subjects) {
            if !is_guarded(&guards, subject) {
                let expected = match seen(slots, subject) {
                    Some(revision) => revision,
                    None => self.tail(subject).await?,
                };
                guards.push(Guard {
                    subject: subject.clone(),
                    expected,
                });
            }
        }
        if let ([], Some(first)) = (slots, guards.first_mut()) {
            self.expect_tail(first).await?;
        }
        let append = Append::new(self.route.log.clone(), command, guards, events)
            .map_err(ExecuteError::Append)?;
        // Each append needs this check: a newer state may contain what the command did before, and then the guards
        // hold.
        let guards = append.guards().iter();
        let guarded = guards.map(|guard| (&guard.subject, guard.expected));
        if let Some(receipt) = self.committed_before(guarded).await? {
            return Ok(Prepared::Committed(receipt));
        }
        let (append, folded) = self
            .with_snapshots(append, slots)
            .map_err(ExecuteError::Append)?;
        Ok(Prepared::Append(Ready { append, folded }))
    }

    /// Checks the revision that the sender expects of an instance that is written without being decided on.
    async fn expect_tail(&self, guard: &mut Guard) -> Result<(), Failed> {
        let Some(expected) = self.options.expected_revision else {
            return Ok(());
        };
        let position = expected.position_in(self.route.incarnation);
        if position != Some(guard.expected) {
            // The cached revision may be stale.
            guard.expected = self.revision(&self.route.log, &guard.subject).await?;
        }
        if position != Some(guard.expected) {
            let actual = Cursor::new(guard.expected, self.route.incarnation);
            return Err(ExecuteError::Stale { expected, actual });
        }
        Ok(())
    }

    /// The events as they will be recorded, with the metadata of this execution.
    fn record(
        &mut self,
        command: &CommandRef,
        emitted: Vec<EmittedEvent>,
    ) -> Result<Vec<NewEvent>, Failed> {
        let mut events = Vec::with_capacity(emitted.len());
        for (n, event) in emitted.into_iter().enumerate() {
            let event_type = event.info.event_type;
            let Recordable { subjects, payload } =
                event.recordable.map_err(|error| match error {
                    Unrecordable::Key(error) => ExecuteError::Key(error),
                    Unrecordable::Payload(error) => ExecuteError::Encode { event_type, error },
                })?;
            // Noted also where a later event cannot be recorded: the command may have been committed before.
            for subject in subjects.iter().filter(|_| self.given_id) {
                if !self.instances.contains(subject) {
                    self.instances.push(subject.clone());
                }
            }
            let metadata = Metadata {
                position: Position::START,
                subjects,
                id: command.id.event(n),
                event_type: self.route.shared(event_type),
                version: event.info.version,
                time: self.now,
                source: self.source(),
                content_type: self.route.shared(event.content_type),
                correlation_id: self.correlation_id.clone(),
                causation_id: self.options.causation_id.clone(),
                traceparent: self.options.traceparent.clone(),
                command: command.clone(),
            };
            events.push(NewEvent::new(metadata, payload.bytes).read_back(payload.decoded));
        }
        Ok(events)
    }
}

fn is_guarded(guards: &[Guard], subject: &Subject) -> bool {
    guards.iter().any(|guard| guard.subject == *subject)
}

/// The position up to which all states of an instance have seen it. Two states may have been read at different moments.
fn seen(slots: &[&mut dyn ErasedSlot], subject: &Subject) -> Option<Position> {
    let here = slots.iter().filter(|slot| slot.subject() == subject);
    here.map(|slot| slot.revision()).min()
}
