//! The words: what the post-its of a board are, one file for each.

mod any_command;
pub(crate) mod automation;
mod command;
mod describe;
mod event;
pub(crate) mod fields;
mod fold;
mod json;
mod key;
mod payload;
pub(crate) mod projection;
mod rejection;
pub(crate) mod state;
mod stream;
pub(crate) mod validation;

pub use any_command::CommandEntry;
pub(crate) use any_command::{AnyCommand, AnyRejection, InHand};
pub use automation::{Automation, AutomationInfo, Commands, IntoCommands, ReactError};
pub(crate) use automation::{FromReaction, Reaction};
pub use command::{
    Command, CommandInfo, Decide, Decision, Emits, Events, IntoEvents, emit, reject,
};
pub(crate) use command::{EmittedEvent, Recordable, Unrecordable};
pub(crate) use describe::kebab_case;
pub use describe::{FieldInfo, SchemaInfo, TypeInfo};
pub use event::{BelongsTo, Event, EventInfo};
pub(crate) use fields::FromFields;
pub(crate) use fold::{FoldOf, value_of};
pub use fold::{ViewFold, ViewState};
pub use json::{JsonError, JsonText};
pub(crate) use key::parts;
pub use key::{Key, KeyError, KeyReader, KeyWriter};
pub use payload::EncodeError;
pub use projection::{HandlerInfo, Projection, ProjectionInfo};
pub use rejection::{NoRejection, Rejection, RejectionInfo, RejectionReport, VariantInfo};
pub use state::{DecisionState, Now, StateInfo, StatePart, Unguarded};
pub(crate) use state::{ErasedSlot, MAX_STATES};
pub use stream::{Stream, StreamInfo};
pub(crate) use validation::json_pointer;
pub use validation::{Violation, Violations};
