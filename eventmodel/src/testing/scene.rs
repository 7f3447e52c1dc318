//! A decision, and what must hold for every decision whatever is expected of it.

use super::given::{History, record};
use super::report::{self, Failure};
use crate::model::{Command, Decide, Decision, DecisionState, ErasedSlot};
use crate::record::{CommandId, RecordedEvent};

/// After how many of so many events a snapshot is taken: after each, unless there are very many.
pub(super) fn snapshots(events: usize) -> impl Iterator<Item = usize> {
    const MAX: usize = 256;
    let step = events.div_ceil(MAX).max(1);
    (0..events).step_by(step).chain([events])
}

type Slots<C> = <<C as Command>::State as DecisionState>::Slots;

/// A command, and what has happened before it.
pub(super) struct Scene<'a, C> {
    pub(super) command: &'a C,
    pub(super) history: &'a History,
}

impl<C: Decide> Scene<'_, C> {
    /// Decides as an app would.
    pub(super) fn decide(&self) -> Result<Decision<C>, Failure> {
        if let Err(violations) = self.command.validate() {
            let title = "the command is invalid, so it is never decided on; expect it with `.invalid([..])`";
            let list: Vec<_> = violations.iter().map(ToString::to_string).collect();
            return Err(self.failure(title).section("violations", &list.join("\n")));
        }
        if let Some(Err(error)) = self.command.id().as_deref().map(CommandId::new) {
            return Err(self.failure(&format!("the id of the command is none: {error}")));
        }
        let mut slots = self.slots()?;
        self.has_effect(&erased::<C>(&mut slots))?;
        self.fold(&mut slots, self.history.events())?;
        Ok(self.ask(&slots))
    }

    /// What must hold for every decision.
    pub(super) fn check(&self, decision: Decision<C>) -> Result<(), Failure> {
        self.is_pure(&decision)?;
        self.survives_snapshots(&decision)?;
        if let Ok(events) = decision {
            self.folds_back(events)?;
        }
        self.command_survives()
    }

    /// A failure that shows the Given and the When.
    pub(super) fn failure(&self, what: &str) -> Failure {
        let command = serde_json::to_string(self.command).unwrap_or_else(|error| error.to_string());
        Failure::new(format!("{}: {what}", C::INFO.ty.name))
            .section("given", &self.history.describe())
            .section("when", &format!("{} {command}", C::INFO.ty.name))
    }

    fn slots(&self) -> Result<Slots<C>, Failure> {
        C::State::slots(&self.command.keys())
            .map_err(|error| self.failure(&format!("the key of a stream that it reads: {error}")))
    }

    fn ask(&self, slots: &Slots<C>) -> Decision<C> {
        C::State::with(slots, self.history.now, |state| self.command.decide(state))
    }

    fn fold<'e>(
        &self,
        slots: &mut Slots<C>,
        events: impl Iterator<Item = &'e RecordedEvent>,
    ) -> Result<(), Failure> {
        let mut slots = erased::<C>(slots);
        for event in events {
            for slot in &mut slots {
                self.apply(&mut **slot, event)?;
            }
        }
        Ok(())
    }

    fn apply(&self, slot: &mut dyn ErasedSlot, event: &RecordedEvent) -> Result<(), Failure> {
        if !event.metadata().subjects.contains(slot.subject()) {
            return Ok(());
        }
        let state = slot.info().ty.name;
        slot.apply(event)
            .map(|_| ())
            .map_err(|error| self.failure(&format!("the state {state} cannot be folded: {error}")))
    }

    /// A Given that no state of the command sees is a mistake of the spec.
    fn has_effect(&self, slots: &[&mut dyn ErasedSlot]) -> Result<(), Failure> {
        for given in &self.history.given {
            let (event, at) = (&given.event, given.at);
            let handles = |slot: &&&mut dyn ErasedSlot| slot.info().handles(event.event_type());
            let here = &event.metadata().subjects;
            let why = match slots.iter().filter(handles).collect::<Vec<_>>() {
                none if none.is_empty() => "no state of the command handles it",
                some if some.iter().any(|slot| here.contains(slot.subject())) => continue,
                _ => "it is on another stream instance than those that the command reads",
            };
            let title = format!(
                "this Given has no effect: {why}\n  {}\n  {at}",
                report::line(event)
            );
            return Err(self.failure(&title).section("it decides on", &reads(slots)));
        }
        Ok(())
    }

    fn is_pure(&self, decided: &Decision<C>) -> Result<(), Failure> {
        let mut slots = self.slots()?;
        self.fold(&mut slots, self.history.events())?;
        let again = self.ask(&slots);
        if report::is_same(decided, &again) {
            return Ok(());
        }
        let title = "asked twice, it decides differently. A decision must follow from the command and the state \
                     alone: no clock (use `Now`), no chance, nothing from outside";
        let heading = "decided first (-), and then (+)";
        Err(self
            .failure(title)
            .section(heading, &diff::<C>(decided, &again)))
    }

    /// An app may restore the state from a snapshot, taken after any event.
    fn survives_snapshots(&self, decided: &Decision<C>) -> Result<(), Failure> {
        let events: Vec<_> = self.history.events().collect();
        let mut so_far = self.slots()?;
        let mut folded = 0;
        for taken_after in snapshots(events.len()) {
            self.fold(&mut so_far, events[folded..taken_after].iter().copied())?;
            folded = taken_after;
            let mut restored = self.slots()?;
            let (from, to) = (erased::<C>(&mut so_far), erased::<C>(&mut restored));
            for (from, to) in from.iter().zip(to) {
                self.restore(&**from, to)?;
            }
            self.fold(&mut restored, events[taken_after..].iter().copied())?;
            let again = self.ask(&restored);
            if !report::is_same(decided, &again) {
                return Err(self.lost_in_snapshot(&events, taken_after, decided, &again));
            }
        }
        Ok(())
    }

    /// Restores a state from a snapshot of another one.
    fn restore(&self, from: &dyn ErasedSlot, to: &mut dyn ErasedSlot) -> Result<(), Failure> {
        let mut written = Vec::new();
        let read = from
            .encode(&mut written)
            .and_then(|()| to.decode(&written, from.revision()));
        read.map_err(|error| {
            let (state, json) = (to.info().ty.name, "as JSON, as a snapshot is");
            self.failure(&format!(
                "the state {state} cannot be written and read {json}: {error}"
            ))
        })
    }

    fn lost_in_snapshot(
        &self,
        events: &[&RecordedEvent],
        taken_after: usize,
        decided: &Decision<C>,
        again: &Decision<C>,
    ) -> Failure {
        let when = match taken_after {
            0 => "before the first event".into(),
            n => format!("after event {n}"),
        };
        let (before, after) = events.split_at(taken_after);
        // A state alone, while the others stay as they were.
        let is_lost = |which: usize| -> Result<Option<&str>, Failure> {
            let mut slots = self.slots()?;
            self.fold(&mut slots, before.iter().copied())?;
            let slot = &mut *erased::<C>(&mut slots).swap_remove(which);
            self.restore(&*slot.copy(), slot)?;
            let name = slot.info().ty.name;
            self.fold(&mut slots, after.iter().copied())?;
            let is_same = report::is_same(decided, &self.ask(&slots));
            Ok((!is_same).then_some(name))
        };
        let states = C::State::PARTS
            .iter()
            .filter(|part| part.projection.is_some());
        let lost = (0..states.count()).find_map(|which| is_lost(which).ok().flatten());
        let lost = lost.map_or_else(|| "a state".into(), |name| format!("the state {name}"));
        let title = format!(
            "it decides differently when its state was restored from a snapshot taken {when}: {lost} is another one \
             after it was written and read as JSON. Does it skip a field (`#[serde(skip)]`)?"
        );
        let heading = "decided (-), and decided after the snapshot (+)";
        self.failure(&title)
            .section(heading, &diff::<C>(decided, again))
    }

    /// What was emitted can be recorded, read, and folded by the states it belongs to.
    fn folds_back(&self, events: crate::model::Events<C>) -> Result<(), Failure> {
        let mut slots = self.slots()?;
        self.fold(&mut slots, self.history.events())?;
        for (position, event) in (self.history.given.len() as u64 + 1..).zip(events.events) {
            let recorded = record(event, position, self.history.now, C::INFO.ty.name)?;
            self.fold(&mut slots, std::iter::once(&recorded))?;
        }
        Ok(())
    }

    /// Adapters read commands from JSON, and automations are compared by it.
    fn command_survives(&self) -> Result<(), Failure> {
        let lost = |error| {
            self.failure(&format!(
                "the command cannot be written and read as JSON: {error}"
            ))
        };
        let written = serde_json::to_vec(self.command).map_err(lost)?;
        let read: C = serde_json::from_slice(&written).map_err(lost)?;
        let again = serde_json::to_vec(&read).map_err(lost)?;
        let (written, again) = (report::payload(&written), report::payload(&again));
        if written == again {
            return Ok(());
        }
        let title = "the command is another one after it was written and read as JSON";
        Err(self.failure(title).section(
            "written (-), and written again (+)",
            &report::diff(&written, &again),
        ))
    }
}

fn diff<C: Decide>(decided: &Decision<C>, again: &Decision<C>) -> String {
    report::diff(&report::decision(decided), &report::decision(again))
}

fn erased<C: Decide>(slots: &mut Slots<C>) -> Vec<&mut dyn ErasedSlot> {
    let mut erased = Vec::new();
    C::State::erased(slots, &mut erased);
    erased
}

/// What the command reads, for a person to read.
fn reads(slots: &[&mut dyn ErasedSlot]) -> String {
    if slots.is_empty() {
        return "no state".into();
    }
    let line = |slot: &&mut dyn ErasedSlot| {
        let info = slot.info();
        let handled: Vec<_> = info.handlers.iter().map(|h| h.event.event_type).collect();
        format!(
            "{} of `{}`, which handles {}",
            info.ty.name,
            slot.subject(),
            handled.join(", ")
        )
    };
    slots.iter().map(line).collect::<Vec<_>>().join("\n")
}
