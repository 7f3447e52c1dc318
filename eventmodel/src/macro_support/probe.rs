//! Lets the macros ask about the types that the user names, without requiring that these have their derives.
//!
//! One bound reports a type that lacks its derive, at the token that names the type. Everything else goes through
//! [`Probe`]: an inherent item of `Probe<T>` exists only if `T` has its derive, and the compiler prefers it to the item
//! of the same name of [`Otherwise`], which exists for every type. So the compiler reports a missing derive once.
//! Nobody sees the items of `Otherwise`, because the program does not compile then.

use std::marker::PhantomData;

use crate::model::{
    Automation, AutomationInfo, BelongsTo, Command, CommandInfo, Commands, DecisionState, Event,
    EventInfo, FromFields, IntoCommands, NoRejection, Projection, ProjectionInfo, ReactError,
    Rejection, RejectionInfo, SchemaInfo, StateInfo, StatePart, Stream, StreamInfo, TypeInfo,
};
use crate::record::{Subject, SubjectError};

/// Asks for a stream.
pub const fn stream<S: Stream>() {}

/// Asks for a stream as the key of a projection.
pub const fn stream_key<S: StreamKey>() {}

/// A stream as the key of a projection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream",
    label = "not a stream",
    note = "`key = ..` is a type with `#[derive(Stream)]`",
    note = "a projection that is keyed by fields of its events says so: `#[projection(key(room: RoomId))]`"
)]
pub trait StreamKey {}

#[diagnostic::do_not_recommend]
impl<S: Stream> StreamKey for S {}

/// Asks for a part of a state.
pub const fn state_part<P: StatePart>() {}

/// Asks `T`.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> Probe<T> {
    /// Its JSON Schema.
    pub const SCHEMA: SchemaInfo = SchemaInfo(Some(|| {
        schemars::SchemaGenerator::default()
            .into_root_schema_for::<T>()
            .to_value()
    }));
}

impl<T: Stream> Probe<T> {
    /// What is known of the stream.
    pub const STREAM: &'static StreamInfo = T::INFO;

    /// The subject of one of its instances.
    ///
    /// # Errors
    /// The error of [`Stream::subject`].
    pub fn subject(key: &T) -> Result<Subject, SubjectError> {
        key.subject()
    }

    /// The instance that an event belongs to.
    pub fn key_of<E: BelongsTo<T>>(event: &E) -> T {
        event.stream_key()
    }
}

impl<T: FromFields> Probe<T> {
    /// The builder of the key.
    pub fn parts() -> T::Parts {
        T::parts()
    }
}

impl<T: PartialEq> Probe<T> {
    /// Whether two values are equal.
    pub fn equals(a: &T, b: &T) -> Option<bool> {
        Some(a == b)
    }
}

impl<T: Event> Probe<T> {
    /// What is known of the event.
    pub const EVENT: &'static EventInfo = T::INFO;
}

impl<T: Projection> Probe<T> {
    /// What is known of the projection.
    pub const PROJECTION: &'static ProjectionInfo = T::INFO;
}

impl<T: Automation> Probe<T> {
    /// What is known of the automation.
    pub const AUTOMATION: &'static AutomationInfo = T::INFO;
}

impl<T: IntoCommands> Probe<T> {
    /// Takes the commands that a handler returned.
    ///
    /// # Errors
    /// The error of [`IntoCommands::append_to`].
    pub fn append(issued: T, commands: &mut Commands) -> Result<(), ReactError> {
        issued.append_to(commands)
    }
}

impl<T: Command> Probe<T> {
    /// What is known of the command.
    pub const COMMAND: &'static CommandInfo = T::INFO;
}

impl<T: Rejection> Probe<T> {
    /// What is known of the rejection.
    pub const REJECTION: &'static RejectionInfo = T::INFO;
}

impl<T: DecisionState> Probe<T> {
    /// What is known of the parts of the state.
    pub const STATES: &'static [StateInfo] = T::PARTS;
}

impl<T: StatePart> Probe<T> {
    /// What is known of this part of a state.
    pub const STATE: StateInfo = T::PART;

    /// The builder of its key.
    pub fn key_parts() -> <T::Key as FromFields>::Parts {
        T::Key::parts()
    }
}

/// What a [`Probe`] gives of a type that is not what it should be.
pub trait Otherwise {
    /// No schema.
    const SCHEMA: SchemaInfo = SchemaInfo(None);
    /// A stream that has every field.
    const STREAM: &'static StreamInfo = &StreamInfo::__new(TypeInfo::NONE, None, "");
    /// An event of no stream.
    const EVENT: &'static EventInfo =
        &EventInfo::__new::<()>(TypeInfo::NONE, "", 1, &[], SchemaInfo(None));
    /// Nothing that could be asserted.
    const COMMAND: () = ();
    /// Nothing that could be asserted.
    const PROJECTION: () = ();
    /// Nothing that could be asserted.
    const AUTOMATION: () = ();
    /// No rejection.
    const REJECTION: &'static RejectionInfo = NoRejection::INFO;
    /// No state.
    const STATES: &'static [StateInfo] = &[];
    /// A state whose key has every field.
    const STATE: StateInfo = StateInfo::unknown(Self::STREAM);

    /// Nothing says what equal means.
    fn equals<E>(_: &E, _: &E) -> Option<bool> {
        None
    }

    /// No subject.
    ///
    /// # Errors
    /// Never returns.
    fn subject<K>(_: &K) -> Result<Subject, SubjectError> {
        unreachable!()
    }

    /// No commands.
    ///
    /// # Errors
    /// Never returns.
    fn append<I>(_: I, _: &mut Commands) -> Result<(), ReactError> {
        unreachable!()
    }

    /// No key.
    fn key_of<E, K>(_: &E) -> K {
        unreachable!()
    }

    /// No builder.
    fn parts() -> AnyParts {
        AnyParts
    }

    /// No builder.
    fn key_parts() -> AnyParts {
        AnyParts
    }
}

impl<T: ?Sized> Otherwise for Probe<T> {}

/// Stands for the builder of a key that is not known.
#[derive(Clone, Copy, Debug)]
pub struct AnyParts;

impl AnyParts {
    /// Stands for the key.
    #[doc(hidden)]
    pub fn __build<S: ?Sized, K>(self, _: &S) -> K {
        let Self = self;
        unreachable!()
    }
}
