//! A gear: reacts to events, issues commands.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::any_command::{AnyCommand, CommandEntry, InHand};
use super::command::Decide;
use super::describe::TypeInfo;
use super::projection::HandlerInfo;
use crate::record::{DecodeError, Metadata, RecordedEvent};

/// Reacts to events by issuing commands. `#[automation]` on the `impl` block of the handlers implements it.
///
/// The type of a handler's first parameter is the event; `&Metadata` and `&App` may follow. It returns a command, an
/// `Option`, a `Vec`, an array or a tuple of commands, or a `Result` of these. A command that the handler executes by
/// itself has the event as its cause, too, but an id of its own.
///
/// The id of each command follows from the id of the event, so an event that is delivered twice has its effect once.
/// The engine handles the events of one stream instance in order, and different instances at the same time. An event of
/// several streams has its turn in its first stream.
///
/// Any other effect of a handler is repeated each time the engine calls it: after a restart, after a failure, and every
/// few seconds while the store is full or cannot be reached. So let a handler return commands, and put an effect that
/// must not be repeated behind such a command.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an automation",
    label = "not an automation",
    note = "write `#[automation]` on the `impl` block of its event handlers"
)]
#[async_trait]
pub trait Automation: Send + Sync + 'static {
    /// What the board knows of it.
    const INFO: &'static AutomationInfo;

    /// Reacts to an event. It gives no commands for an event that it does not handle.
    ///
    /// # Errors
    /// [`ReactError`] if the event cannot be read, or the handler failed.
    async fn react(
        &self,
        event: &RecordedEvent,
        context: &Reaction,
    ) -> Result<Commands, ReactError>;
}

/// What [`Automation::react`] returns.
#[doc(hidden)]
pub type Reacting<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Commands, ReactError>> + Send + 'a>>;

/// What a handler of an automation may take beside the event.
#[derive(Clone, Debug)]
pub struct Reaction {
    pub(crate) metadata: Metadata,
    /// The app that runs the automation; `None` in a spec. The engine turns it into the `&App` of a handler; this
    /// module does not know the engine.
    pub(crate) app: Option<Arc<dyn Any + Send + Sync>>,
}

/// A parameter that a handler of an automation may have after the event: `&Metadata` or `&App`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler of an automation cannot take a `{Self}`",
    label = "not a parameter of a handler",
    note = "after the event a handler may take `&Metadata` and `&App`"
)]
pub trait FromReaction<'a>: Sized {
    fn from_reaction(context: &'a Reaction) -> Result<Self, ReactError>;
}

impl<'a> FromReaction<'a> for &'a Metadata {
    fn from_reaction(context: &'a Reaction) -> Result<Self, ReactError> {
        Ok(&context.metadata)
    }
}

/// The commands that an automation issues in reaction to one event, in their order.
#[derive(Debug, Default)]
pub struct Commands(pub(crate) Vec<Box<dyn AnyCommand>>);

/// What a handler of an automation returns: a command, `()`, an `Option`, a `Vec`, an array or a tuple of
/// commands, or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "a handler of an automation cannot return `{Self}`",
    label = "not commands",
    note = "return a command, an `Option`, a `Vec`, an array or a tuple of commands, or a `Result` of these"
)]
pub trait IntoCommands: Send {
    /// Adds the commands.
    ///
    /// # Errors
    /// The error of a `Result`.
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError>;

    /// Adds the types of the commands.
    fn entries(out: &mut Vec<CommandEntry>);
}

impl<C: Decide> IntoCommands for C {
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
        commands.0.push(Box::new(InHand::new(self)));
        Ok(())
    }

    fn entries(out: &mut Vec<CommandEntry>) {
        out.push(CommandEntry::issued::<C>());
    }
}

impl<I: IntoCommands> IntoCommands for Option<I> {
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
        self.map_or(Ok(()), |inner| inner.append_to(commands))
    }

    fn entries(out: &mut Vec<CommandEntry>) {
        I::entries(out);
    }
}

impl<I: IntoCommands> IntoCommands for Vec<I> {
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
        self.into_iter()
            .try_for_each(|inner| inner.append_to(commands))
    }

    fn entries(out: &mut Vec<CommandEntry>) {
        I::entries(out);
    }
}

impl<I: IntoCommands, const N: usize> IntoCommands for [I; N] {
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
        self.into_iter()
            .try_for_each(|inner| inner.append_to(commands))
    }

    fn entries(out: &mut Vec<CommandEntry>) {
        I::entries(out);
    }
}

impl<I, E> IntoCommands for Result<I, E>
where
    I: IntoCommands,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
        self.map_err(|error| ReactError::Handler(Arc::from(error.into())))?
            .append_to(commands)
    }

    fn entries(out: &mut Vec<CommandEntry>) {
        I::entries(out);
    }
}

impl IntoCommands for () {
    fn append_to(self, _: &mut Commands) -> Result<(), ReactError> {
        Ok(())
    }

    fn entries(_: &mut Vec<CommandEntry>) {}
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: IntoCommands),*> IntoCommands for ($($name,)*) {
            fn append_to(self, commands: &mut Commands) -> Result<(), ReactError> {
                $(self.$index.append_to(commands)?;)*
                Ok(())
            }

            fn entries(out: &mut Vec<CommandEntry>) {
                $($name::entries(out);)*
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}

/// Why an automation did not react.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReactError {
    /// The event cannot be read. The engine does not try again.
    #[error(transparent)]
    Decode(Arc<DecodeError>),
    /// The handler returned an error. The engine tries again.
    #[error("the handler failed: {0}")]
    Handler(Arc<dyn std::error::Error + Send + Sync>),
    /// The handler asks for the app and runs in a spec, where there is none.
    #[error("the handler takes `&App`, and a spec has none: test it with an app on a memory store")]
    NoApp,
}

impl ReactError {
    /// Whether the same event may be handled later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Handler(_))
    }
}

impl From<DecodeError> for ReactError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(Arc::new(error))
    }
}

/// What is known of an automation at run time.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct AutomationInfo {
    /// Name, documentation of the `impl` block, source.
    pub ty: TypeInfo,
    /// Its handlers.
    pub handlers: &'static [HandlerInfo],
    /// The commands that each handler can issue, in the order of the handlers.
    pub issues: &'static [fn() -> Vec<CommandEntry>],
}

impl AutomationInfo {
    #[doc(hidden)]
    pub const fn __new(
        ty: TypeInfo,
        handlers: &'static [HandlerInfo],
        issues: &'static [fn() -> Vec<CommandEntry>],
    ) -> Self {
        Self {
            ty,
            handlers,
            issues,
        }
    }

    /// Whether it handles events of this type.
    pub fn handles(&self, event_type: &str) -> bool {
        self.handlers
            .iter()
            .any(|handler| handler.event.event_type == event_type)
    }

    /// The commands it can issue, each once.
    pub fn commands(&self) -> Vec<CommandEntry> {
        let mut all: Vec<CommandEntry> = Vec::new();
        for entry in self.issues.iter().flat_map(|issues| issues()) {
            if !all.iter().any(|known| known.type_id() == entry.type_id()) {
                all.push(entry);
            }
        }
        all
    }
}

impl fmt::Debug for AutomationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutomationInfo")
            .field("ty", &self.ty)
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}

#[doc(hidden)]
pub fn issues_of<I: IntoCommands>() -> Vec<CommandEntry> {
    let mut entries = Vec::new();
    I::entries(&mut entries);
    entries
}
