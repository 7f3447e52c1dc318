//! What a store does, in the simplest words: the reference that random histories are compared with.
//!
//! A model knows no positions. It counts: version `n` of an instance is what the `n`th command that wrote it left.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// How many instances a history is about: few, so that commands meet.
pub(super) const INSTANCES: usize = 4;
/// How many ids commands have: few, so that they are used again.
const IDS: u8 = 8;

/// The identity of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: u8,
    pub(super) name: &'static str,
    pub(super) fingerprint: Option<u64>,
}

impl Identity {
    fn is_same(self, other: Self) -> bool {
        let same_body = match (self.fingerprint, other.fingerprint) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.id == other.id && self.name == other.name && same_body
    }
}

/// Which version a guard expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The newest.
    Newest,
    /// One that is so many versions older; the first one, if there are not as many.
    Older(usize),
    /// A position that is not reached yet.
    Ahead(u64),
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Append {
        identity: Identity,
        /// The instances that are guarded, and with what.
        guards: Vec<(usize, Seen)>,
        /// The instances of each event. Each of them is guarded.
        events: Vec<Vec<usize>>,
    },
    Load {
        instance: usize,
        /// After the version that is so much older than the newest.
        after: usize,
    },
    Committed(Identity),
    ReadAll {
        /// After the last event of the command that is so far from the end.
        back: usize,
    },
    ReadOne(usize),
    Reopen,
}

/// A command that was stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) identity: Identity,
    pub(super) events: Vec<Vec<usize>>,
}

impl Stored {
    /// The instances it wrote.
    pub(super) fn written(&self) -> BTreeSet<usize> {
        self.events.iter().flatten().copied().collect()
    }
}

/// How an append must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    /// By the command in this place, earlier.
    AlreadyCommitted(usize),
    IdReused,
    Conflict,
}

/// The commands that were stored, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) commands: Vec<Stored>,
}

impl Model {
    /// How many commands wrote the instance.
    pub(super) fn version(&self, instance: usize) -> usize {
        let wrote = |command: &&Stored| command.written().contains(&instance);
        self.commands.iter().filter(wrote).count()
    }

    /// What is known under this id: the place of the same command, or that it was another one.
    pub(super) fn find(&self, identity: Identity) -> Option<Result<usize, ()>> {
        let place = self
            .commands
            .iter()
            .position(|c| c.identity.id == identity.id)?;
        let same = self.commands[place].identity.is_same(identity);
        Some(if same { Ok(place) } else { Err(()) })
    }

    pub(super) fn outcome(&self, identity: Identity, guards: &[(usize, Seen)]) -> Outcome {
        match self.find(identity) {
            Some(Ok(place)) => return Outcome::AlreadyCommitted(place),
            Some(Err(())) => return Outcome::IdReused,
            None => {}
        }
        if self.hold(guards) {
            Outcome::Stored
        } else {
            Outcome::Conflict
        }
    }

    fn hold(&self, guards: &[(usize, Seen)]) -> bool {
        guards.iter().all(|(instance, seen)| match seen {
            Seen::Newest => true,
            Seen::Older(by) => *by == 0 || self.version(*instance) == 0,
            Seen::Ahead(_) => false,
        })
    }

    /// Whether a store may test the guards of an append first, which do not hold: its id was used on none of the
    /// instances that it guards; or before what it expects there, if it has no fingerprint.
    pub(super) fn may_test_guards_first(&self, step: &Step) -> bool {
        let Step::Append {
            identity, guards, ..
        } = step
        else {
            return false;
        };
        let used = self
            .commands
            .iter()
            .position(|c| c.identity.id == identity.id);
        used.is_some_and(|place| {
            let written = self.commands[place].written();
            let is_found = |(instance, seen): &(usize, Seen)| {
                written.contains(instance)
                    && (identity.fingerprint.is_some() || self.is_after(place, *instance, *seen))
            };
            !self.hold(guards) && !guards.iter().any(is_found)
        })
    }

    /// Whether a command has written to an instance after what a guard expects.
    fn is_after(&self, place: usize, instance: usize, seen: Seen) -> bool {
        let wrote = |command: &&Stored| command.written().contains(&instance);
        let version = self.commands[..=place].iter().filter(wrote).count();
        match seen {
            Seen::Newest | Seen::Ahead(_) => false,
            Seen::Older(by) => version > self.version(instance).saturating_sub(by),
        }
    }
}

/// Generates histories.
pub(super) struct Histories;

impl ReferenceStateMachine for Histories {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Step> {
        prop_oneof![
            10 => append(),
            2 => (0..INSTANCES, 0..4usize).prop_map(|(instance, after)| Step::Load { instance, after }),
            2 => identity().prop_map(Step::Committed),
            1 => (0..4usize).prop_map(|back| Step::ReadAll { back }),
            1 => (0..INSTANCES).prop_map(Step::ReadOne),
            1 => Just(Step::Reopen),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        if let Step::Append {
            identity,
            guards,
            events,
        } = step
            && model.outcome(*identity, guards) == Outcome::Stored
        {
            model.commands.push(Stored {
                identity: *identity,
                events: events.clone(),
            });
        }
        model
    }
}

fn identity() -> impl Strategy<Value = Identity> {
    let name = prop_oneof![6 => Just("Open"), 1 => Just("Close")];
    let fingerprint = prop_oneof![3 => Just(Some(1)), 1 => Just(None), 1 => Just(Some(2))];
    (0..IDS, name, fingerprint).prop_map(|(id, name, fingerprint)| Identity {
        id,
        name,
        fingerprint,
    })
}

fn append() -> impl Strategy<Value = Step> {
    let seen = prop_oneof![
        8 => Just(Seen::Newest),
        1 => (1..3usize).prop_map(Seen::Older),
        1 => (1..3u64).prop_map(Seen::Ahead),
    ];
    // Which instances are guarded, with what, and which of them each event belongs to.
    let guards = proptest::sample::subsequence((0..INSTANCES).collect::<Vec<_>>(), 1..=3);
    let guards = (guards, proptest::collection::vec(seen, 3));
    let events = proptest::collection::vec(
        proptest::collection::vec(any::<proptest::sample::Index>(), 1..=2),
        1..=4,
    );
    (identity(), guards, events).prop_map(|(identity, (instances, seen), events)| {
        let of_event = |picks: Vec<proptest::sample::Index>| {
            let mut picked: Vec<_> = picks.iter().map(|pick| *pick.get(&instances)).collect();
            picked.dedup();
            picked
        };
        Step::Append {
            identity,
            events: events.into_iter().map(of_event).collect(),
            guards: instances.iter().copied().zip(seen).collect(),
        }
    })
}
