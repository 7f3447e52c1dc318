//! The commands that an automation issues.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::ReactError;
use crate::board::CommandEntry;
use crate::engine::{App, ExecuteError, ExecuteOptions, Failure};
use crate::model::command::{CommandInfo, Decide};
use crate::record::Receipt;

/// The commands that an automation issues in reaction to one event, in their order.
#[derive(Debug, Default)]
pub struct Commands(pub(crate) Vec<Box<dyn PendingCommand>>);

/// A command without its type.
#[async_trait]
pub(crate) trait PendingCommand: fmt::Debug + Any + Send + Sync {
    fn info(&self) -> &'static CommandInfo;
    #[cfg(feature = "testing")]
    fn body(&self) -> Result<serde_json::Value, serde_json::Error>;
    async fn execute(&self, app: &App, options: ExecuteOptions) -> Result<Receipt, Failure>;
}

struct Pending<C>(C);

impl<C: Decide> fmt::Debug for Pending<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(C::INFO.ty.name)
    }
}

#[async_trait]
impl<C: Decide> PendingCommand for Pending<C> {
    fn info(&self) -> &'static CommandInfo {
        C::INFO
    }

    #[cfg(feature = "testing")]
    fn body(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(&self.0)
    }

    async fn execute(&self, app: &App, options: ExecuteOptions) -> Result<Receipt, Failure> {
        app.execute_ref(&self.0, options)
            .await
            .map_err(ExecuteError::erase)
    }
}

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
        commands.0.push(Box::new(Pending(self)));
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
