//! The words: what the post-its of a board are, one file for each.

pub(crate) mod automation;
mod command;
mod describe;
mod event;
pub(crate) mod fields;
mod json;
mod key;
mod payload;
pub(crate) mod projection;
mod rejection;
pub(crate) mod state;
mod stream;
pub(crate) mod validation;

pub(crate) use automation::Reaction;
pub use automation::{Automation, AutomationInfo, Commands, IntoCommands, ReactError};
pub use command::{
    Command, CommandInfo, Decide, Decision, Emits, Events, IntoEvents, emit, reject,
};
pub(crate) use command::{EmittedEvent, Recordable, Unrecordable};
pub(crate) use describe::kebab_case;
pub use describe::{FieldInfo, SchemaInfo, TypeInfo};
pub use event::{BelongsTo, Event, EventInfo};
pub(crate) use fields::FromFields;
pub use json::JsonText;
pub(crate) use key::parts;
pub use key::{Key, KeyError, KeyReader, KeyWriter};
pub(crate) use payload::Decoded;
pub use payload::EncodeError;
pub use projection::{HandlerInfo, Projection, ProjectionInfo};
pub use rejection::{NoRejection, Rejection, RejectionInfo, VariantInfo};
pub use state::{DecisionState, Now, StateInfo, StatePart, Unguarded};
pub(crate) use state::{ErasedSlot, MAX_STATES};
pub use stream::{Stream, StreamInfo};
pub(crate) use validation::json_pointer;
pub use validation::{Violation, Violations};
