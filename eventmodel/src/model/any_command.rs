//! A command as the engine holds it: its type is erased, and the states that it decides on are beside it.

use std::any::{Any, TypeId};
use std::fmt;

use jiff::Timestamp;
use smallvec::SmallVec;

use super::command::{CommandInfo, Decide, EmittedEvent};
use super::json::JsonText;
use super::rejection::{Rejection, RejectionReport, text_of};
use super::state::{DecisionState, ErasedSlot};
use super::validation::{Violation, Violations};
use crate::record::{CodecError, SubjectError, canonical};

/// A command with its type erased. Each function but the last two calls the user's code and may panic.
pub(crate) trait AnyCommand: fmt::Debug + Send + Sync {
    fn info(&self) -> &'static CommandInfo;
    fn command_type(&self) -> TypeId;
    fn id(&self) -> Option<String>;
    fn validate(&self) -> Result<(), Violations>;
    /// What serde writes of the command, regardless of the order of maps.
    fn canonical(&self) -> Result<Vec<u8>, CodecError>;
    #[cfg(feature = "testing")]
    fn body(&self) -> Result<serde_json::Value, serde_json::Error>;
    /// Makes the states that the command decides on. Nothing is loaded into them yet.
    fn open(&mut self) -> Result<(), SubjectError>;
    /// Decides on its states as they are.
    fn decide(&self, now: Timestamp) -> Result<Vec<EmittedEvent>, Box<dyn AnyRejection>>;
    /// Its states; none before they are made.
    fn slots(&mut self) -> Slots<'_>;
}

/// The states of a command.
pub(crate) type Slots<'a> = SmallVec<[&'a mut dyn ErasedSlot; 2]>;

/// A rejection with its type erased.
pub(crate) trait AnyRejection: Any + fmt::Debug + fmt::Display + Send + Sync {
    fn code(&self) -> &'static str;
    /// The report of the rejection. The user's code writes it.
    fn text(&self) -> String;
    fn report(&self) -> RejectionReport;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<R: Rejection> AnyRejection for R {
    fn code(&self) -> &'static str {
        Rejection::code(self)
    }

    fn text(&self) -> String {
        text_of(self)
    }

    fn report(&self) -> RejectionReport {
        RejectionReport::from(self)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A command, and the states it decides on.
pub(crate) struct InHand<C: Decide> {
    command: C,
    slots: Option<<C::State as DecisionState>::Slots>,
}

impl<C: Decide> InHand<C> {
    pub(crate) fn new(command: C) -> Self {
        Self {
            command,
            slots: None,
        }
    }
}

impl<C: Decide> fmt::Debug for InHand<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(C::INFO.ty.name)
    }
}

impl<C: Decide> AnyCommand for InHand<C> {
    fn info(&self) -> &'static CommandInfo {
        C::INFO
    }

    fn command_type(&self) -> TypeId {
        TypeId::of::<C>()
    }

    fn id(&self) -> Option<String> {
        self.command.id()
    }

    fn validate(&self) -> Result<(), Violations> {
        self.command.validate()
    }

    fn canonical(&self) -> Result<Vec<u8>, CodecError> {
        canonical::bytes(&self.command).map_err(CodecError::new)
    }

    #[cfg(feature = "testing")]
    fn body(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(&self.command)
    }

    fn open(&mut self) -> Result<(), SubjectError> {
        self.slots = Some(C::State::slots(&self.command.keys())?);
        Ok(())
    }

    fn decide(&self, now: Timestamp) -> Result<Vec<EmittedEvent>, Box<dyn AnyRejection>> {
        let Some(slots) = &self.slots else {
            return Ok(Vec::new());
        };
        match C::State::with(slots, now, |state| self.command.decide(state)) {
            Ok(events) => Ok(events.events),
            Err(rejection) => Err(Box::new(rejection)),
        }
    }

    fn slots(&mut self) -> Slots<'_> {
        let mut erased = Slots::new();
        if let Some(slots) = &mut self.slots {
            C::State::erased(slots, &mut erased);
        }
        erased
    }
}

/// A command of a model: its description, and how to read it.
#[derive(Clone)]
pub struct CommandEntry {
    info: &'static CommandInfo,
    type_id: TypeId,
    internal: bool,
    read: fn(&JsonText) -> Result<Box<dyn AnyCommand>, Violation>,
}

impl CommandEntry {
    pub(crate) fn of<C: Decide>() -> Self {
        Self {
            info: C::INFO,
            type_id: TypeId::of::<C>(),
            internal: false,
            read: |body| Ok(Box::new(InHand::<C>::new(body.deserialize()?))),
        }
    }

    /// A command that an automation issues.
    pub(crate) fn issued<C: Decide>() -> Self {
        Self {
            internal: true,
            ..Self::of::<C>()
        }
    }

    /// Whether only automations issue the command, because no slice offers it to an actor. Adapters do not offer such a
    /// command to the outside.
    pub fn is_internal(&self) -> bool {
        self.internal
    }

    /// What is known of it.
    pub fn info(&self) -> &'static CommandInfo {
        self.info
    }

    pub(crate) fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// The command whose body is this text.
    pub(crate) fn read(&self, body: &JsonText) -> Result<Box<dyn AnyCommand>, Violation> {
        (self.read)(body)
    }
}

impl fmt::Debug for CommandEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info.ty.name)
    }
}
