//! The engine: load, decide, append; again if someone else was first.
//!
//! What holds throughout: an append is guarded by exactly what the decision has seen; a decision that appends
//! nothing (a rejection, or no event), which no guard protects, is believed only when the store says that its state is
//! the newest; and no second decision is made before it is known that the first was not stored.

use std::any::TypeId;
use std::sync::Arc;

use jiff::Timestamp;

use super::app::{Inner, Route};
use super::backoff::Backoff;
use super::error::{ExecuteError, Panicked, from_append, text_of};
use super::options::ExecuteOptions;
use crate::model::{
    Decide, DecisionState, EmittedEvent, ErasedSlot, Recordable, Rejection, Unrecordable,
};
use crate::record::{
    CodecError, CommandId, CommandRef, Guard, Metadata, NewEvent, Position, Receipt, Subject,
    canonical,
};
use crate::store::{Append, AppendError, Appended, AuditEntry, AuditedEvent, Outcome};
use crate::trouble::{excerpt, panics};

mod append;
mod cache;
mod load;
mod lookup;
mod snapshots;

use load::Which;
use lookup::says_no;

pub(super) use cache::StateCache;

/// What is the same for every attempt of one execution.
struct Execution<'a> {
    app: &'a Inner,
    route: &'a Route,
    command: CommandRef,
    /// Whether the id can have been used before: it is not a fresh one.
    given_id: bool,
    correlation_id: Arc<str>,
    options: ExecuteOptions,
    now: Timestamp,
}

pub(super) async fn execute<C: Decide>(
    app: &Inner,
    command: &C,
    options: ExecuteOptions,
) -> Result<Receipt, ExecuteError<C::Rejection>> {
    let route = app
        .routes
        .get(&TypeId::of::<C>())
        .ok_or(ExecuteError::NotInModel {
            command: C::INFO.ty.name,
        })?;
    let (id, given_id) = match (&options.id, caught::<C, _>("id", || command.id())?) {
        (Some(id), _) => (id.clone(), true),
        (None, Some(text)) => match CommandId::new(&text) {
            Ok(id) => (id, true),
            Err(error) => {
                // What is wrong with its fields says more than that no id can be made of them.
                caught::<C, _>("validate", || command.validate())?
                    .map_err(ExecuteError::Invalid)?;
                return Err(ExecuteError::Id(error));
            }
        },
        (None, None) => (CommandId::fresh(), false),
    };
    let correlation_id = options
        .correlation_id
        .clone()
        .unwrap_or_else(|| id.shared());
    let mut execution = Execution {
        app,
        route,
        command: CommandRef {
            id,
            name: route.name.clone(),
            fingerprint: None,
            events: 0,
        },
        given_id,
        correlation_id,
        options,
        now: (app.options.clock)(),
    };
    let result = execution.run(command).await;
    execution.audit(&result);
    result
}

impl Execution<'_> {
    async fn run<C: Decide>(&mut self, command: &C) -> Result<Receipt, ExecuteError<C::Rejection>> {
        caught::<C, _>("validate", || command.validate())?.map_err(ExecuteError::Invalid)?;
        if self.given_id {
            let fingerprint = caught::<C, _>("serialize", || fingerprint(command))?;
            self.command.fingerprint = Some(fingerprint.map_err(ExecuteError::Fingerprint)?);
        }
        let slots = caught::<C, _>("keys", || C::State::slots(&command.keys()))?;
        let mut slots = slots.map_err(ExecuteError::Key)?;
        if !self.given_id {
            return self.attempt(command, &mut slots, &mut Vec::new()).await;
        }
        let read = subjects(&erased::<C>(&mut slots));
        let mut instances = read.clone();
        match self.attempt(command, &mut slots, &mut instances).await {
            Err(error) if says_no(&error) => {
                let committed = self.committed(&instances, read.first()).await?;
                committed.ok_or(error)
            }
            result => result,
        }
    }

    /// If the id is a given one, `instances` are those that the command reads, and in the end also those it writes.
    async fn attempt<C: Decide>(
        &self,
        command: &C,
        slots: &mut <C::State as DecisionState>::Slots,
        instances: &mut Vec<Subject>,
    ) -> Result<Receipt, ExecuteError<C::Rejection>> {
        if let Some(receipt) = self.start(&mut erased::<C>(slots)).await? {
            return Ok(receipt);
        }
        let mut backoff = Backoff::for_conflicts(&self.command.id);
        let mut attempts = 0;
        let mut has_asked = false;
        loop {
            attempts += 1;
            if let Some(expected) = self.options.expected_revision {
                self.expect_revision(expected, &mut erased::<C>(slots))
                    .await?;
            }
            let decide = || C::State::with(slots, self.now, |state| command.decide(state));
            let decision = caught::<C, _>("decide", decide)?;
            let mut erased = erased::<C>(slots);
            let events = match decision {
                Ok(events) if !events.is_empty() => events.events,
                // Nothing will be appended, so no guard would find out that the state was stale.
                nothing => {
                    // What is only consulted may change while the command is decided on: it is looked at once.
                    let which = if has_asked {
                        Which::guarded(&erased)
                    } else {
                        Which::all(&erased)
                    };
                    if !self.is_newest(&mut erased, which).await? {
                        if attempts >= self.app.options.max_attempts {
                            return Err(ExecuteError::Conflict { attempts });
                        }
                        has_asked = true;
                        continue;
                    }
                    self.save(&erased);
                    return match nothing {
                        // The command itself may be in the state.
                        Ok(_) if self.given_id => {
                            let committed = self.committed(instances, instances.first()).await?;
                            Ok(committed.unwrap_or_else(|| self.nothing_emitted(&erased)))
                        }
                        Ok(_) => Ok(self.nothing_emitted(&erased)),
                        Err(rejection) => Err(ExecuteError::Rejected(rejection)),
                    };
                }
            };
            let append = self.prepare(events, &erased, instances).await?;
            if let Some(receipt) = self.on_guarded(&append, &erased).await? {
                return Ok(receipt);
            }
            let with_snapshots = self.with_snapshots(append, &erased);
            let (append, folded) = with_snapshots.map_err(ExecuteError::Append)?;
            let instance = instance(&erased, &append);
            match self.append(&append).await {
                Ok(appended) => {
                    self.remember(&mut erased, &appended, folded);
                    return Ok(self.receipt(appended, &instance));
                }
                Err(AppendError::Conflict { subject, actual }) => {
                    let guarded = guarded(&append);
                    if self.given_id
                        && let Some(receipt) = self.committed(&guarded, instances.first()).await?
                    {
                        return Ok(receipt);
                    }
                    // What was decided on is stale, for the next command too if this one gives up.
                    self.forget(&erased, &guarded);
                    if attempts >= self.app.options.max_attempts {
                        return Err(ExecuteError::Conflict { attempts });
                    }
                    backoff.wait().await;
                    let floor = subject.zip(actual);
                    self.refresh(&mut erased, floor.as_slice()).await?;
                }
                Err(error) => return Err(from_append(error, &self.command.id, attempts)),
            }
        }
    }

    /// What the sender expects must hold for the newest state, not only for a cached one.
    async fn expect_revision<R>(
        &self,
        expected: Position,
        slots: &mut [&mut dyn ErasedSlot],
    ) -> Result<(), ExecuteError<R>> {
        let differs = |slots: &[&mut dyn ErasedSlot]| {
            let actual = slots.first().map(|slot| slot.revision());
            actual.filter(|actual| *actual != expected)
        };
        if differs(slots).is_some() {
            self.is_newest(slots, Which::all(slots)).await?;
        }
        match differs(slots) {
            Some(actual) => Err(ExecuteError::Stale { expected, actual }),
            None => Ok(()),
        }
    }

    /// Encodes the events, and guards all that they are written to and all that was decided on.
    async fn prepare<R>(
        &self,
        emitted: Vec<EmittedEvent>,
        slots: &[&mut dyn ErasedSlot],
        instances: &mut Vec<Subject>,
    ) -> Result<Append, ExecuteError<R>> {
        let mut guards: Vec<Guard> = Vec::with_capacity(slots.len() + 1);
        for slot in slots.iter().filter(|slot| slot.guarded()) {
            if !guards.iter().any(|guard| guard.subject == *slot.subject()) {
                guards.push(Guard {
                    subject: slot.subject().clone(),
                    expected: seen(slots, slot.subject()).unwrap_or_default(),
                });
            }
        }
        let mut command = self.command.clone();
        command.events = u32::try_from(emitted.len()).unwrap_or(u32::MAX);
        let mut events = Vec::with_capacity(emitted.len());
        for (n, event) in emitted.into_iter().enumerate() {
            let event_type = event.info.event_type;
            let Recordable { subjects, payload } =
                event.recordable.map_err(|error| match error {
                    Unrecordable::Key(error) => ExecuteError::Key(error),
                    Unrecordable::Payload(error) => ExecuteError::Encode { event_type, error },
                })?;
            for subject in &subjects {
                if !guards.iter().any(|guard| guard.subject == *subject) {
                    if self.given_id && !instances.contains(subject) {
                        instances.push(subject.clone());
                    }
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
            let metadata = Metadata {
                position: Position::START,
                subjects: subjects.into(),
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
        if let (Some(expected), [], Some(first)) =
            (self.options.expected_revision, slots, guards.first_mut())
            && first.expected != expected
        {
            // What is remembered of its tail may be stale.
            first.expected = self.revision(&self.route.log, &first.subject).await?;
            if first.expected != expected {
                let actual = first.expected;
                return Err(ExecuteError::Stale { expected, actual });
            }
        }
        Append::new(self.route.log.clone(), command, guards, events).map_err(ExecuteError::Append)
    }

    fn source(&self) -> Arc<str> {
        let configured = self
            .options
            .source
            .as_ref()
            .or(self.app.options.source.as_ref());
        configured.unwrap_or(self.app.model.name()).clone()
    }

    fn receipt(&self, appended: Appended, instance: &Subject) -> Receipt {
        let Appended {
            events,
            revisions,
            already_committed,
        } = appended;
        let position = events
            .last()
            .map(crate::record::RecordedEvent::position)
            .unwrap_or_default();
        let revision = revisions.iter().find(|guard| guard.subject == *instance);
        Receipt {
            command_id: self.command.id.clone(),
            correlation_id: events.first().map_or_else(
                || self.correlation_id.clone(),
                |e| e.metadata().correlation_id.clone(),
            ),
            log: self.route.log.clone(),
            position,
            revision: revision.map_or(position, |guard| guard.expected),
            events,
            already_committed,
        }
    }

    fn nothing_emitted(&self, slots: &[&mut dyn ErasedSlot]) -> Receipt {
        Receipt {
            command_id: self.command.id.clone(),
            correlation_id: self.correlation_id.clone(),
            log: self.route.log.clone(),
            position: slots
                .iter()
                .map(|slot| slot.revision())
                .max()
                .unwrap_or_default(),
            revision: slots
                .first()
                .map(|slot| slot.revision())
                .unwrap_or_default(),
            events: Vec::new(),
            already_committed: false,
        }
    }

    fn audit<R: Rejection>(&self, result: &Result<Receipt, ExecuteError<R>>) {
        let outcome = match result {
            Ok(receipt) => Outcome::Accepted {
                events: receipt
                    .events
                    .iter()
                    .map(|event| AuditedEvent {
                        event_type: event.metadata().event_type.clone(),
                        position: event.position(),
                    })
                    .collect(),
                already_committed: receipt.already_committed,
            },
            Err(ExecuteError::Rejected(rejection)) => Outcome::Rejected {
                code: rejection.code().into(),
                message: excerpt(text_of(rejection)).into(),
            },
            Err(ExecuteError::Conflict { .. } | ExecuteError::Stale { .. }) => Outcome::Conflict,
            Err(error) => Outcome::Failed {
                message: excerpt(error.to_string()).into(),
            },
        };
        self.app.audit.record(AuditEntry {
            time: (self.app.options.clock)(),
            command: self.command.name.clone(),
            id: self.command.id.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.options.causation_id.clone(),
            source: self.source(),
            outcome,
        });
    }
}

fn erased<C: Decide>(slots: &mut <C::State as DecisionState>::Slots) -> Vec<&mut dyn ErasedSlot> {
    let mut erased = Vec::with_capacity(C::State::PARTS.len());
    C::State::erased(slots, &mut erased);
    erased
}

fn subjects(slots: &[&mut dyn ErasedSlot]) -> Vec<Subject> {
    slots.iter().map(|slot| slot.subject().clone()).collect()
}

fn guarded(append: &Append) -> Vec<Subject> {
    let guards = append.guards().iter();
    guards.map(|guard| guard.subject.clone()).collect()
}

/// Up to where all states of an instance have seen it. Two of them may have been read at different moments.
fn seen(slots: &[&mut dyn ErasedSlot], subject: &Subject) -> Option<Position> {
    let here = slots.iter().filter(|slot| slot.subject() == subject);
    here.map(|slot| slot.revision()).min()
}

/// The instance that the command is keyed by.
fn instance(slots: &[&mut dyn ErasedSlot], append: &Append) -> Subject {
    match slots.first() {
        Some(slot) => slot.subject().clone(),
        None => append.events()[0].metadata.subject().clone(),
    }
}

/// What a function of the command gives. The functions of the user may panic, and must not take with them what others
/// wait for: the sender an answer, the audit trail the entry of a command that has an id.
fn caught<C: Decide, T>(function: &'static str, users: impl FnOnce() -> T) -> Result<T, Panicked> {
    panics::caught(users).map_err(|message| Panicked::Command {
        command: C::INFO.ty.name,
        function,
        message,
    })
}

/// A hash of the command's body that does not depend on the order of its maps.
fn fingerprint<C: Decide>(command: &C) -> Result<u64, CodecError> {
    let body = canonical::bytes(command).map_err(CodecError::new)?;
    Ok(xxhash_rust::xxh3::xxh3_64(&body))
}
