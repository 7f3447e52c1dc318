//! A blue post-it: an intent that is decided on.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::describe::{SchemaInfo, TypeInfo, kebab_case};
use super::event::{Event, EventInfo};
use super::payload::{EncodeError, Payload};
use super::rejection::{Rejection, RejectionInfo};
use super::state::{DecisionState, StateInfo};
use super::validation::Violations;
#[cfg(feature = "testing")]
use crate::record::Decoded;
use crate::record::{Codec, Subject, SubjectError};

/// An intent, in the imperative. `#[derive(Command)]` declares the state that the command decides on, the events that
/// it can emit and the reasons to reject it; [`Decide`] is the decision.
///
/// ```
/// # use eventmodel::{Event, Stream, projection};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "account.{account}")]
/// # struct Account { account: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Account)]
/// # struct Withdrawn { account: u32, cents: u64 }
/// # #[derive(Default, Serialize, Deserialize, Clone)]
/// # struct Balance { cents: u64 }
/// # #[projection(key = Account)]
/// # impl Balance {
/// #     fn withdrawn(&mut self, event: &Withdrawn) { self.cents -= event.cents; }
/// # }
/// use eventmodel::{Command, Decide, Decision, Rejection, emit, reject};
///
/// #[derive(Rejection, Serialize, Debug, PartialEq, thiserror::Error)]
/// enum Refused {
///     #[error("the balance is {cents} cents")]
///     TooLittle { cents: u64 },
/// }
///
/// /// Takes money from an account.
/// #[derive(Command, Serialize, Deserialize, Clone, Debug)]
/// #[command(state = Balance, emits(Withdrawn), rejects = Refused)]
/// struct Withdraw { account: u32, cents: u64 }
///
/// impl Decide for Withdraw {
///     fn decide(&self, balance: &Balance) -> Decision<Self> {
///         if self.cents > balance.cents {
///             return reject(Refused::TooLittle { cents: balance.cents });
///         }
///         emit(Withdrawn { account: self.account, cents: self.cents })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "not a command",
    note = "write `#[derive(Command, Serialize, Deserialize)]` and `#[command(state = .., emits(..), rejects = ..)]` on it"
)]
pub trait Command: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the board knows of it.
    const INFO: &'static CommandInfo;

    /// What it decides on: a projection, [`Unguarded`](crate::Unguarded), [`Now`](crate::Now), a tuple of them, or
    /// `()`.
    type State: DecisionState;

    /// Why it can be refused.
    type Rejection: Rejection;

    /// The stream instances that its state is loaded from.
    fn keys(&self) -> <Self::State as DecisionState>::Keys;

    /// Its id, if it has a natural one: `#[command(id = "{order}")]`.
    fn id(&self) -> Option<String> {
        None
    }

    /// Checks the command regardless of the state, and reports all violations at once: `#[command(validate =
    /// Self::check)]`, or `#[command(garde)]` with the feature `garde`.
    ///
    /// # Errors
    /// The violations.
    fn validate(&self) -> Result<(), Violations> {
        Ok(())
    }
}

/// The decision of a command. It is pure and synchronous, and sees only the command and its state.
#[diagnostic::on_unimplemented(
    message = "nothing says how `{Self}` decides",
    label = "no decision",
    note = "write `impl Decide for {Self} {{ fn decide(&self, state: &State) -> Decision<Self> {{ .. }} }}`"
)]
pub trait Decide: Command {
    /// Decides: [`emit`] events, or [`reject`].
    ///
    /// # Errors
    /// The rejection.
    fn decide(&self, state: &Self::State) -> Decision<Self>;
}

/// A command that can emit `E`. Generated from `emits(..)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say that it emits `{E}`",
    label = "`{E}` is not in `emits(..)`",
    note = "add it to the command: `#[command(emits(.., {E}))]`"
)]
pub trait Emits<E: Event>: Command {}

/// What a command decided: its events, or the rejection.
pub type Decision<C> = Result<Events<C>, <C as Command>::Rejection>;

/// The events of a decision, checked against `emits(..)` by the compiler.
pub struct Events<C: ?Sized> {
    pub(crate) events: Vec<EmittedEvent>,
    pub(crate) command: PhantomData<fn(&C)>,
}

impl<C: Command> Events<C> {
    /// No event.
    pub fn new() -> Self {
        Self {
            events: Vec::new(),
            command: PhantomData,
        }
    }

    /// Adds an event.
    pub fn push<E: Event>(&mut self, event: &E)
    where
        C: Emits<E>,
    {
        self.events.push(EmittedEvent::new(event));
    }

    /// Adds events: one, an `Option`, a `Vec`, an array, or a tuple of these.
    #[must_use]
    pub fn and(mut self, events: impl IntoEvents<C>) -> Self {
        events.append_to(&mut self);
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl<C: Command> Default for Events<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: ?Sized> fmt::Debug for Events<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.events).finish()
    }
}

/// An event that a decision emitted, encoded.
pub(crate) struct EmittedEvent {
    pub(crate) info: &'static EventInfo,
    pub(crate) content_type: &'static str,
    pub(crate) recordable: Result<Recordable, Unrecordable>,
    /// Whether two events of its type would be recorded as the same one.
    #[cfg(feature = "testing")]
    pub(crate) are_same: fn(&Decoded, &Decoded) -> bool,
}

/// What is recorded of an event.
pub(crate) struct Recordable {
    pub(crate) subjects: Arc<[Subject]>,
    pub(crate) payload: Payload,
}

/// Why an event cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unrecordable {
    #[error(transparent)]
    Key(#[from] SubjectError),
    #[error(transparent)]
    Payload(#[from] EncodeError),
}

impl EmittedEvent {
    pub(crate) fn new<E: Event>(event: &E) -> Self {
        let recordable = || {
            let subjects = event.subjects()?;
            let payload = Payload::of(event, &subjects)?;
            Ok(Recordable { subjects, payload })
        };
        Self {
            info: E::INFO,
            content_type: <E::Codec as Codec>::CONTENT_TYPE,
            recordable: recordable(),
            #[cfg(feature = "testing")]
            are_same: super::payload::are_same::<E>,
        }
    }
}

impl fmt::Debug for EmittedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.recordable.as_ref().map(|event| &event.payload.bytes);
        write!(f, "{} {payload:?}", self.info.event_type)
    }
}

/// What [`emit`] takes: one event, an `Option`, a `Vec`, an array, a tuple of these, `()`, or [`Events`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted by `{C}`",
    label = "not an event of `{C}`",
    note = "emit one event, an `Option`, a `Vec`, an array or a tuple of events, each named in `#[command(emits(..))]`"
)]
pub trait IntoEvents<C: Command> {
    /// Adds the events.
    fn append_to(self, events: &mut Events<C>);
}

impl<C: Command + Emits<E>, E: Event> IntoEvents<C> for E {
    fn append_to(self, events: &mut Events<C>) {
        events.push(&self);
    }
}

impl<C: Command> IntoEvents<C> for Events<C> {
    fn append_to(self, events: &mut Events<C>) {
        events.events.extend(self.events);
    }
}

impl<C: Command, I: IntoEvents<C>> IntoEvents<C> for Option<I> {
    fn append_to(self, events: &mut Events<C>) {
        if let Some(inner) = self {
            inner.append_to(events);
        }
    }
}

impl<C: Command, I: IntoEvents<C>> IntoEvents<C> for Vec<I> {
    fn append_to(self, events: &mut Events<C>) {
        for inner in self {
            inner.append_to(events);
        }
    }
}

impl<C: Command, I: IntoEvents<C>, const N: usize> IntoEvents<C> for [I; N] {
    fn append_to(self, events: &mut Events<C>) {
        for inner in self {
            inner.append_to(events);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<Cmd: Command, $($name: IntoEvents<Cmd>),*> IntoEvents<Cmd> for ($($name,)*) {
            fn append_to(self, events: &mut Events<Cmd>) {
                $(self.$index.append_to(events);)*
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

impl<C: Command> IntoEvents<C> for () {
    fn append_to(self, _: &mut Events<C>) {}
}

/// The command is accepted, with these events: one, an `Option`, a `Vec`, an array, a tuple of these, or `()`.
///
/// # Errors
/// None. It is a `Result` because a decision is.
pub fn emit<C: Command>(events: impl IntoEvents<C>) -> Decision<C> {
    Ok(Events::new().and(events))
}

/// The command is refused.
///
/// # Errors
/// Always: the rejection.
pub fn reject<C: Command>(rejection: C::Rejection) -> Decision<C> {
    Err(rejection)
}

/// What is known of a command at run time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CommandInfo {
    /// Name, documentation, fields, source.
    pub ty: TypeInfo,
    /// Its address, if it is not its name in kebab case.
    pub address: Option<&'static str>,
    /// The template of its id.
    pub id: Option<&'static str>,
    /// What it decides on.
    pub states: &'static [StateInfo],
    /// The events it can emit.
    pub emits: &'static [&'static EventInfo],
    /// Why it can be refused.
    pub rejects: &'static RejectionInfo,
    /// The JSON Schema of its body.
    pub schema: SchemaInfo,
}

impl CommandInfo {
    #[doc(hidden)]
    #[allow(clippy::too_many_arguments)]
    pub const fn __new(
        ty: TypeInfo,
        address: Option<&'static str>,
        id: Option<&'static str>,
        states: &'static [StateInfo],
        emits: &'static [&'static EventInfo],
        rejects: &'static RejectionInfo,
        schema: SchemaInfo,
    ) -> Self {
        Self {
            ty,
            address,
            id,
            states,
            emits,
            rejects,
            schema,
        }
    }

    /// The part of an address that names it: `book-room`.
    pub fn address(&self) -> String {
        self.address
            .map_or_else(|| kebab_case(self.ty.name), str::to_owned)
    }
}
