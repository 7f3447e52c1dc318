//! The way of a command: identify, load, decide, prepare, append. While others write first, the engine repeats the last
//! three.
//!
//! What holds throughout: the guards of an append are exactly what the decision has seen. No guard protects a decision
//! that appends nothing (a rejection, or no event), so the engine believes it only when the store confirms that its
//! state is the newest. The engine makes no second decision before it knows that the first was not stored.

use std::sync::Arc;

use jiff::Timestamp;

use super::app::{Inner, Route};
use super::backoff::Backoff;
use super::error::{ExecuteError, Panicked, from_append};
use super::options::ExecuteOptions;
use crate::model::{AnyCommand, AnyRejection, CommandInfo, EmittedEvent, ErasedSlot};
use crate::record::{CommandId, CommandRef, Position, Receipt, RecordedEvent, Subject};
use crate::store::{AppendError, Appended};
use crate::trouble::panics;

mod append;
mod cache;
mod load;
mod lookup;
mod prepare;
mod snapshots;

use load::Which;
use prepare::Prepared;

pub(super) use cache::StateCache;

/// Why a command was not executed, with the rejection's type erased.
pub(super) type Failed = ExecuteError<Box<dyn AnyRejection>>;

/// One command in execution.
pub(super) struct Execution<'a> {
    pub(super) app: &'a Inner,
    route: &'a Route,
    pub(super) command: CommandRef,
    /// Whether the id may have been used before, because it is not a fresh one.
    given_id: bool,
    pub(super) correlation_id: Arc<str>,
    pub(super) options: ExecuteOptions,
    now: Timestamp,
    /// The instance of the command's first state, which the command is keyed by.
    keyed_by: Option<Subject>,
    /// Under a given id: the instances that the command reads, and those it writes as far as they are known.
    instances: Vec<Subject>,
    attempts: u32,
    /// Whether the engine has asked once for the current revisions of all states.
    has_asked: bool,
}

/// A decision, made on the newest state or on one that the append will guard.
enum Decided {
    /// Record these events.
    Events(Vec<EmittedEvent>),
    /// Record nothing.
    Nothing(Result<Receipt, Failed>),
    /// Record nothing, decided on a state that was not the newest. The newest has been loaded meanwhile.
    Stale,
}

/// Executes a command.
pub(super) async fn execute(
    app: &Inner,
    command: &mut dyn AnyCommand,
    options: ExecuteOptions,
) -> Result<Receipt, Failed> {
    let mut execution = Execution::of(app, command, options)?;
    let result = execution.run(command).await;
    super::audit::record(&execution, &result);
    result
}

impl<'a> Execution<'a> {
    /// The command under its id: the sender's, its own, or a fresh one.
    fn of(
        app: &'a Inner,
        command: &dyn AnyCommand,
        options: ExecuteOptions,
    ) -> Result<Self, Failed> {
        let info = command.info();
        let route = app.routes.get(&command.command_type());
        let route = route.ok_or(ExecuteError::NotInModel {
            command: info.ty.name,
        })?;
        let (id, given_id) = match (&options.id, caught(info, "id", || command.id())?) {
            (Some(id), _) => (id.clone(), true),
            (None, Some(text)) => match CommandId::new(&text) {
                Ok(id) => (id, true),
                Err(error) => {
                    // A violation of its fields tells more than that they give no id.
                    validate(command)?;
                    return Err(ExecuteError::Id(error));
                }
            },
            (None, None) => (CommandId::fresh(), false),
        };
        let correlation_id = options.correlation_id.clone();
        Ok(Self {
            app,
            route,
            correlation_id: correlation_id.unwrap_or_else(|| id.shared()),
            command: CommandRef {
                id,
                name: route.name.clone(),
                fingerprint: None,
                events: 0,
            },
            given_id,
            options,
            now: (app.options.clock)(),
            keyed_by: None,
            instances: Vec::new(),
            attempts: 0,
            has_asked: false,
        })
    }

    async fn run(&mut self, command: &mut dyn AnyCommand) -> Result<Receipt, Failed> {
        self.identify(command)?;
        let result = self.attempt(command).await;
        self.unless_committed(result).await
    }

    async fn attempt(&mut self, command: &mut dyn AnyCommand) -> Result<Receipt, Failed> {
        if let Some(receipt) = self.load(&mut command.slots()).await? {
            return Ok(receipt);
        }
        let id = self.command.id.clone();
        let mut backoff = Backoff::for_conflicts(&id);
        loop {
            self.attempts += 1;
            let events = match self.decide(command).await? {
                Decided::Events(events) => events,
                Decided::Nothing(result) => return result,
                Decided::Stale => continue,
            };
            let mut slots = command.slots();
            let prepared = match self.prepare(events, &slots).await? {
                Prepared::Append(prepared) => prepared,
                Prepared::Committed(receipt) => return Ok(receipt),
            };
            match self.append(&prepared.append).await {
                Ok(appended) => {
                    let cache = &self.app.cache;
                    cache.remember(&mut slots, &appended, prepared.folded);
                    return Ok(self.receipt(appended));
                }
                Err(AppendError::Conflict { subject, actual }) => {
                    // The cached states are stale for the next command, too, if this one gives up.
                    self.app.cache.forget(&slots, &prepared.append);
                    self.give_up_or_go_on()?;
                    backoff.wait().await;
                    let floor = subject.zip(actual);
                    self.refresh(&mut slots, floor.as_slice()).await?;
                }
                Err(error) => return Err(from_append(error, &self.command.id, self.attempts)),
            }
        }
    }

    /// Finds out what needs no state: whether the command is valid, what tells it from another one under its id, the
    /// keys of its states.
    fn identify(&mut self, command: &mut dyn AnyCommand) -> Result<(), Failed> {
        let info = command.info();
        validate(command)?;
        if self.given_id {
            let canonical = caught(info, "serialize", || command.canonical())?;
            let canonical = canonical.map_err(ExecuteError::Fingerprint)?;
            self.command.fingerprint = Some(xxhash_rust::xxh3::xxh3_64(&canonical));
        }
        caught(info, "keys", || command.open())?.map_err(ExecuteError::Key)?;
        self.note(&command.slots());
        Ok(())
    }

    /// Notes which instances the command decides on.
    fn note(&mut self, slots: &[&mut dyn ErasedSlot]) {
        self.keyed_by = slots.first().map(|slot| slot.subject().clone());
        if self.given_id {
            self.instances = slots.iter().map(|slot| slot.subject().clone()).collect();
        }
    }

    async fn decide(&mut self, command: &mut dyn AnyCommand) -> Result<Decided, Failed> {
        if let Some(expected) = self.options.expected_revision {
            self.expect_revision(expected, &mut command.slots()).await?;
        }
        let decision = caught(command.info(), "decide", || command.decide(self.now))?;
        let rejection = match decision {
            Ok(events) if !events.is_empty() => return Ok(Decided::Events(events)),
            Ok(_) => None,
            Err(rejection) => Some(rejection),
        };
        // Nothing will be appended, so no guard would reveal a stale state.
        let mut slots = command.slots();
        // A state that is only consulted may change at any time, so the engine compares it once.
        let which = if self.has_asked {
            Which::guarded(&slots)
        } else {
            Which::all(&slots)
        };
        if !self.is_newest(&mut slots, which).await? {
            self.has_asked = true;
            self.give_up_or_go_on()?;
            return Ok(Decided::Stale);
        }
        self.app.cache.save_all(&slots);
        Ok(Decided::Nothing(match rejection {
            None => Ok(self.nothing_emitted(&slots)),
            Some(rejection) => Err(ExecuteError::Rejected(rejection)),
        }))
    }

    fn give_up_or_go_on(&self) -> Result<(), Failed> {
        let attempts = self.attempts;
        if attempts >= self.app.options.max_attempts {
            return Err(ExecuteError::Conflict { attempts });
        }
        Ok(())
    }

    fn receipt(&self, appended: Appended) -> Receipt {
        let Appended {
            events,
            revisions,
            already_committed,
        } = appended;
        let first = events.first();
        let correlation_id = first.map(|event| event.metadata().correlation_id.clone());
        let instance = self.keyed_by.as_ref().or(first.map(RecordedEvent::subject));
        let revision = revisions
            .iter()
            .find(|guard| Some(&guard.subject) == instance);
        let position = events
            .last()
            .map(RecordedEvent::position)
            .unwrap_or_default();
        Receipt {
            command_id: self.command.id.clone(),
            correlation_id: correlation_id.unwrap_or_else(|| self.correlation_id.clone()),
            log: self.route.log.clone(),
            incarnation: self.route.incarnation,
            position,
            revision: revision.map_or(position, |guard| guard.expected),
            events,
            already_committed,
        }
    }

    fn nothing_emitted(&self, slots: &[&mut dyn ErasedSlot]) -> Receipt {
        let mut revisions = slots.iter().map(|slot| slot.revision());
        let revision = revisions.next().unwrap_or_default();
        Receipt {
            command_id: self.command.id.clone(),
            correlation_id: self.correlation_id.clone(),
            log: self.route.log.clone(),
            incarnation: self.route.incarnation,
            position: revisions.fold(revision, Position::max),
            revision,
            events: Vec::new(),
            already_committed: false,
        }
    }

    pub(super) fn source(&self) -> Arc<str> {
        let configured = self.options.source.as_ref();
        let configured = configured.or(self.app.options.source.as_ref());
        configured.unwrap_or(self.app.model.name()).clone()
    }
}

/// Whether the command is acceptable regardless of the state.
fn validate(command: &dyn AnyCommand) -> Result<(), Failed> {
    caught(command.info(), "validate", || command.validate())?.map_err(ExecuteError::Invalid)
}

/// Calls a function of the user and catches its panic: the sender still gets an answer, and the audit trail its entry.
fn caught<T>(
    command: &CommandInfo,
    function: &'static str,
    users: impl FnOnce() -> T,
) -> Result<T, Panicked> {
    panics::caught(users).map_err(|message| Panicked::Command {
        command: command.ty.name,
        function,
        message,
    })
}
