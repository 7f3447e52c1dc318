//! A green post-it: a fold of events by key.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::describe::{TypeInfo, kebab_case};
use super::event::EventInfo;
use super::key::Key;
use crate::record::{DecodeError, Metadata, RecordedEvent};

/// A fold of events by key: the *state* that a command decides on, a *view* that is kept up to date, or both.
///
/// `#[projection]` on the `impl` block of the handlers implements it. The type of a handler's parameter is the
/// event it handles; a second parameter `&Metadata` is optional.
///
/// ```
/// use eventmodel::{Event, Metadata, Stream, projection};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// #[stream(subject = "account.{account}")]
/// struct Account { account: u32 }
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(stream = Account)]
/// struct Deposited { account: u32, cents: u64 }
///
/// #[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// struct Balance { cents: u64, last: Option<jiff::Timestamp> }
///
/// #[projection(key = Account)]
/// impl Balance {
///     fn deposited(&mut self, event: &Deposited, meta: &Metadata) {
///         self.cents += event.cents;
///         self.last = Some(meta.time);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "not a projection",
    note = "write `#[projection(key = ..)]` on the `impl` block of its event handlers"
)]
pub trait Projection:
    Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What the board knows of it.
    const INFO: &'static ProjectionInfo;

    /// What it is keyed by.
    type Key: Key;

    /// The key of the instance that the event is for; `None` if it does not handle this type of event.
    ///
    /// # Errors
    /// [`DecodeError`] if it handles the event and cannot read it.
    fn key_of(event: &RecordedEvent) -> Result<Option<Self::Key>, DecodeError>;

    /// Applies the event; `false` if it does not handle this type of event.
    ///
    /// # Errors
    /// [`DecodeError`] if it handles the event and cannot read it. Nothing has changed then.
    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError>;
}

/// What is known of a projection at run time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProjectionInfo {
    /// Name, source. The macro stands on an `impl` block, so there are no fields; the documentation is that of
    /// the block.
    pub ty: TypeInfo,
    /// The names of the parts of its key, if it is keyed by fields and not by a stream.
    pub key: &'static [&'static str],
    /// Its handlers.
    pub handlers: &'static [HandlerInfo],
    /// Whether, as the state of a decision, it may be kept as a snapshot beside the last event of its instance.
    ///
    /// On a store that [keeps snapshots](crate::store::Limits::snapshot) the engine then loads an uncached state in one
    /// step, however long the history is. The state must come back from JSON as it was; every spec of a command that
    /// decides on it checks that. Only the build that made a snapshot uses it: see
    /// [`AppOptions::build`](crate::AppOptions::build).
    pub snapshot: bool,
}

impl ProjectionInfo {
    #[doc(hidden)]
    pub const fn __new(
        ty: TypeInfo,
        key: &'static [&'static str],
        handlers: &'static [HandlerInfo],
    ) -> Self {
        Self {
            ty,
            key,
            handlers,
            snapshot: false,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __with_snapshot(mut self) -> Self {
        self.snapshot = true;
        self
    }

    /// The part of an address that names it as a view: `cleaning-schedule`.
    pub fn address(&self) -> String {
        kebab_case(self.ty.name)
    }

    /// Whether it handles events of this type.
    pub fn handles(&self, event_type: &str) -> bool {
        self.handlers
            .iter()
            .any(|handler| handler.event.event_type == event_type)
    }

    /// Whether each handler is for the instance that its event belongs to.
    pub(crate) const fn is_keyed_by_its_events(&self) -> bool {
        let mut i = 0;
        while i < self.handlers.len() {
            if self.handlers[i].own_key {
                return false;
            }
            i += 1;
        }
        true
    }
}

/// A handler of a projection or of an automation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HandlerInfo {
    /// The name of the function.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// The event it handles.
    pub event: &'static EventInfo,
    /// Whether the handler chooses by `#[key(..)]` which instance its event is for.
    pub(crate) own_key: bool,
}

impl HandlerInfo {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, doc: &'static str, event: &'static EventInfo) -> Self {
        Self {
            name,
            doc,
            event,
            own_key: false,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __with_own_key(mut self) -> Self {
        self.own_key = true;
        self
    }
}

/// A parameter that a handler of a projection may have after the event: `&Metadata`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler of a projection cannot take a `{Self}`",
    label = "not a parameter of a handler",
    note = "after the event a handler may take `&Metadata`, nothing else: a projection is a pure fold"
)]
pub trait FromRecorded<'a> {
    fn from_recorded(event: &'a RecordedEvent) -> Self;
}

impl<'a> FromRecorded<'a> for &'a Metadata {
    fn from_recorded(event: &'a RecordedEvent) -> Self {
        event.metadata()
    }
}
