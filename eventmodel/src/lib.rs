//! Write an event model as Rust types; run it, test it, look at it.

pub mod automation;
mod codec;
mod command;
mod describe;
mod event;
mod fields;
mod guard;
mod id;
mod key;
mod metadata;
mod position;
mod projection;
mod recorded;
mod rejection;
mod state;
mod stream;
mod subject;
mod template;
mod token;
mod validation;

pub use automation::{Automation, AutomationInfo, Commands, IntoCommands, ReactError};
pub use codec::{Codec, CodecError, Json};
pub use command::{Command, CommandInfo, Decide, Decision, Emits, Events, IntoEvents, emit, reject};
pub use describe::{FieldInfo, SchemaInfo, TypeInfo};
pub use event::{BelongsTo, Event, EventInfo};
pub use guard::Guard;
pub use id::{CommandId, EventId, InvalidCommandId};
pub use key::{Key, KeyError, KeyReader, KeyWriter};
pub use metadata::{CommandRef, Metadata};
pub use position::Position;
pub use projection::{HandlerInfo, Projection, ProjectionInfo};
pub use recorded::{DecodeError, DecodeReason, NewEvent, RecordedEvent};
pub use rejection::{NoRejection, Rejection, RejectionInfo, VariantInfo};
pub use state::{DecisionState, Now, StateInfo, StatePart, Unguarded};
pub use stream::{Stream, StreamInfo};
pub use subject::{Subject, SubjectError, SubjectPattern, SubjectReader, SubjectWriter};
pub use template::SubjectTemplate;
pub use token::{SubjectToken, TokenError};
pub use validation::{Violation, Violations};

#[cfg(feature = "derive")]
pub use eventmodel_derive::{Command, Event, Rejection, Stream, SubjectToken, automation, projection};

/// What the macros expand to. Not a part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::automation::{FromReaction, Reaction, issues_of};
    pub use crate::describe::{NoSchema, SchemaProbe};
    pub use crate::fields::{ByName, FromFields, Given, HasField};
    pub use crate::stream::WholeStreamKey;
    pub use async_trait::async_trait;
}
