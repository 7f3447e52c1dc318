//! What a command decides on, and how its parts are loaded.

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use super::fields::{FromFields, NoKey};
use super::projection::{Projection, ProjectionInfo};
use super::stream::{Stream, StreamInfo, WholeStreamKey};
use crate::record::SubjectError;

mod slot;

#[doc(hidden)]
pub use slot::{ErasedSlot, Slot};

/// How many states a command may name: each that is guarded and not written costs a message in its append.
pub(crate) const MAX_STATES: usize = 64;

/// What a command decides on: a [`StatePart`], a tuple of up to six, or `()`. A model whose command names more than 64
/// does not start.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a command",
    label = "not a state",
    note = "a state is a projection that is keyed by a stream, `Unguarded<..>` of one, `Now`, a tuple of these, or `()`"
)]
pub trait DecisionState: Sized + Send + Sync + 'static {
    /// The keys of its parts.
    type Keys: Send + Sync;

    /// What is known of its parts.
    const PARTS: &'static [StateInfo];

    #[doc(hidden)]
    type Slots: Send + Sync;

    #[doc(hidden)]
    fn slots(keys: &Self::Keys) -> Result<Self::Slots, SubjectError>;

    #[doc(hidden)]
    fn erased<'a>(slots: &'a mut Self::Slots, out: &mut impl Extend<&'a mut dyn ErasedSlot>);

    #[doc(hidden)]
    fn with<R>(slots: &Self::Slots, now: Timestamp, decide: impl FnOnce(&Self) -> R) -> R;
}

/// One part of what a command decides on: a projection that is keyed by a stream, [`Unguarded`] of one, or
/// [`Now`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of the state of a command",
    label = "not a state",
    note = "a state is a projection that is keyed by a stream, `Unguarded<..>` of one, or `Now`",
    note = "write a tuple of states inside the attribute: `#[command(state = (Course, Student))]`"
)]
pub trait StatePart: Sized + Send + Sync + 'static {
    /// The key of the stream instance it is loaded from.
    type Key: FromFields + Send + Sync;

    /// What is known of it.
    const PART: StateInfo;

    #[doc(hidden)]
    type Slot: Send + Sync;

    #[doc(hidden)]
    fn slot(key: &Self::Key) -> Result<Self::Slot, SubjectError>;

    #[doc(hidden)]
    fn erase(slot: &mut Self::Slot) -> Option<&mut dyn ErasedSlot>;

    #[doc(hidden)]
    fn with<R>(slot: &Self::Slot, now: Timestamp, decide: impl FnOnce(&Self) -> R) -> R;

    #[doc(hidden)]
    fn cloned(slot: &Self::Slot, now: Timestamp) -> Self;
}

/// What is known of a part of a state at run time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StateInfo {
    /// The projection; `None` for [`Now`].
    pub projection: Option<&'static ProjectionInfo>,
    /// The stream it is keyed by.
    pub stream: Option<&'static StreamInfo>,
    /// Whether the decision is guarded on it.
    pub guarded: bool,
}

impl StateInfo {
    /// What is known of the state `P`, which a decision is guarded on, or consults.
    const fn of<P>(guarded: bool) -> Self
    where
        P: Projection,
        P::Key: WholeStreamKey,
    {
        Self {
            projection: Some(P::INFO),
            stream: Some(<P::Key as Stream>::INFO),
            guarded,
        }
    }

    /// A placeholder for a state that is none.
    pub(crate) const fn unknown(stream: &'static StreamInfo) -> Self {
        Self {
            projection: None,
            stream: Some(stream),
            guarded: false,
        }
    }

    /// Whether each handler is for the instance that its event belongs to. A state is loaded from the events of its own
    /// instance, so a handler with a `#[key(..)]` of its own would see the wrong events.
    #[doc(hidden)]
    pub const fn __is_keyed_by_its_events(&self) -> bool {
        match self.projection {
            Some(projection) => projection.is_keyed_by_its_events(),
            None => true,
        }
    }

    /// Whether the key has a field of this name.
    #[doc(hidden)]
    pub const fn __has_field(&self, name: &str) -> bool {
        match self.stream {
            Some(stream) => stream.__has_field(name),
            None => false,
        }
    }
}

impl<P> StatePart for P
where
    P: Projection,
    P::Key: WholeStreamKey,
{
    type Key = P::Key;
    type Slot = Slot<P>;

    const PART: StateInfo = StateInfo::of::<P>(true);

    fn slot(key: &P::Key) -> Result<Slot<P>, SubjectError> {
        Ok(Slot::new(key.subject()?, P::Key::INFO.log, true))
    }

    fn erase(slot: &mut Slot<P>) -> Option<&mut dyn ErasedSlot> {
        Some(slot)
    }

    fn with<R>(slot: &Slot<P>, _: Timestamp, decide: impl FnOnce(&P) -> R) -> R {
        slot.with(decide)
    }

    fn cloned(slot: &Slot<P>, _: Timestamp) -> P {
        slot.with(P::clone)
    }
}

/// A state that a decision consults but does not depend on. The engine loads it and does not guard it.
///
/// Use it for a fact that never changes back ("the room exists"), or where being a moment late is acceptable. A guard
/// on an instance that the command does not write costs a message of its own on JetStream; an unguarded state costs a
/// read. An instance that the command writes is guarded in any case.
#[derive(Debug)]
pub struct Unguarded<P>(Arc<P>);

impl<P> Unguarded<P> {
    /// Wraps a state, to call `decide` by hand.
    pub fn new(state: P) -> Self {
        Self(Arc::new(state))
    }
}

impl<P> Deref for Unguarded<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

impl<P> StatePart for Unguarded<P>
where
    P: Projection,
    P::Key: WholeStreamKey,
{
    type Key = P::Key;
    type Slot = Slot<P>;

    const PART: StateInfo = StateInfo::of::<P>(false);

    fn slot(key: &P::Key) -> Result<Slot<P>, SubjectError> {
        Ok(Slot::new(key.subject()?, P::Key::INFO.log, false))
    }

    fn erase(slot: &mut Slot<P>) -> Option<&mut dyn ErasedSlot> {
        Some(slot)
    }

    fn with<R>(slot: &Slot<P>, now: Timestamp, decide: impl FnOnce(&Self) -> R) -> R {
        decide(&Self::cloned(slot, now))
    }

    fn cloned(slot: &Slot<P>, _: Timestamp) -> Self {
        Self(slot.shared())
    }
}

/// The time of the decision, by the clock of the app, as a part of a state: `state = (RoomDay, Now)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(pub Timestamp);

impl StatePart for Now {
    type Key = NoKey;
    type Slot = ();

    const PART: StateInfo = StateInfo {
        projection: None,
        stream: None,
        guarded: false,
    };

    fn slot(_: &NoKey) -> Result<(), SubjectError> {
        Ok(())
    }

    fn erase((): &mut ()) -> Option<&mut dyn ErasedSlot> {
        None
    }

    fn with<R>((): &(), now: Timestamp, decide: impl FnOnce(&Self) -> R) -> R {
        decide(&Self(now))
    }

    fn cloned((): &(), now: Timestamp) -> Self {
        Self(now)
    }
}

impl DecisionState for () {
    type Keys = ();
    type Slots = ();

    const PARTS: &'static [StateInfo] = &[];

    fn slots((): &()) -> Result<(), SubjectError> {
        Ok(())
    }

    fn erased<'a>((): &'a mut (), _: &mut impl Extend<&'a mut dyn ErasedSlot>) {}

    fn with<R>((): &(), _: Timestamp, decide: impl FnOnce(&()) -> R) -> R {
        decide(&())
    }
}

impl<A: StatePart> DecisionState for A {
    type Keys = A::Key;
    type Slots = A::Slot;

    const PARTS: &'static [StateInfo] = &[A::PART];

    fn slots(keys: &A::Key) -> Result<A::Slot, SubjectError> {
        A::slot(keys)
    }

    fn erased<'a>(slots: &'a mut A::Slot, out: &mut impl Extend<&'a mut dyn ErasedSlot>) {
        out.extend(A::erase(slots));
    }

    fn with<R>(slots: &A::Slot, now: Timestamp, decide: impl FnOnce(&A) -> R) -> R {
        A::with(slots, now, decide)
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: StatePart),*> DecisionState for ($($name,)*) {
            type Keys = ($($name::Key,)*);
            type Slots = ($($name::Slot,)*);

            const PARTS: &'static [StateInfo] = &[$($name::PART),*];

            fn slots(keys: &Self::Keys) -> Result<Self::Slots, SubjectError> {
                Ok(($($name::slot(&keys.$index)?,)*))
            }

            fn erased<'a>(slots: &'a mut Self::Slots, out: &mut impl Extend<&'a mut dyn ErasedSlot>) {
                $(out.extend($name::erase(&mut slots.$index));)*
            }

            fn with<Out>(
                slots: &Self::Slots,
                now: Timestamp,
                decide: impl FnOnce(&Self) -> Out,
            ) -> Out {
                decide(&($($name::cloned(&slots.$index, now),)*))
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
