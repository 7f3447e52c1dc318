//! Write an event model as Rust types; run it, test it, look at it.

mod app;
mod audit;
mod automation;
mod codec;
mod command;
mod describe;
pub mod envelope;
mod event;
mod fields;
mod guard;
mod id;
mod inbox;
mod key;
mod memory;
mod metadata;
mod model;
mod position;
mod probe;
mod projection;
mod receipt;
mod recorded;
mod rejection;
mod scratch;
mod state;
pub mod store;
mod stream;
mod subject;
mod template;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod validation;
pub mod view;

pub use app::{
    AnyView, App, AppOptions, AutomationStatus, EventQuery, ExecuteError, ExecuteOptions, Failure,
    NotDrained, Parked, RejectionReport, RetryError, StartError,
};
pub use audit::{AuditEntry, AuditQuery, AuditTrail, AuditedEvent, MemoryAudit, Outcome};
pub use automation::{Automation, AutomationInfo, Commands, IntoCommands, ReactError};
pub use codec::{Codec, CodecError, Json};
pub use command::{
    Command, CommandInfo, Decide, Decision, Emits, Events, IntoEvents, emit, reject,
};
pub use describe::{FieldInfo, SchemaInfo, TypeInfo};
pub use event::{BelongsTo, Event, EventInfo};
pub use guard::Guard;
pub use id::{CommandId, EventId, InvalidCommandId};
pub use inbox::{Inbox, InboxHost, InboxSpec};
pub use key::{Key, KeyError, KeyReader, KeyWriter};
pub use memory::MemoryStore;
pub use metadata::{CommandRef, Metadata};
pub use model::{
    AutomationEntry, CommandEntry, EventModel, ModelError, ModelProblem, Slice, Step,
    ViewDescription, Vocabulary,
};
pub use position::Position;
pub use projection::{HandlerInfo, Projection, ProjectionInfo};
pub use receipt::Receipt;
pub use recorded::{DecodeError, DecodeReason, NewEvent, RecordedEvent};
pub use rejection::{NoRejection, Rejection, RejectionInfo, VariantInfo};
pub use state::{DecisionState, Now, StateInfo, StatePart, Unguarded};
pub use store::{Store, StoreError};
pub use stream::{Stream, StreamInfo};
pub use subject::{Subject, SubjectError, SubjectPattern, SubjectReader, SubjectWriter};
pub use template::SubjectTemplate;
pub use token::{SubjectToken, TokenError};
pub use validation::{Violation, Violations};
pub use view::{View, ViewEntry, ViewError};

#[cfg(feature = "derive")]
pub use eventmodel_derive::{
    Command, Event, Rejection, Stream, SubjectToken, automation, projection,
};

/// What the macros expand to. Not a part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::automation::{FromReaction, Reacting, Reaction, issues_of};
    pub use crate::fields::{ByName, FromFields, Given, HasField};
    pub use crate::id::IdWriter;
    pub use crate::probe::{Otherwise, Probe, state_part, stream};
    pub use crate::projection::FromRecorded;
    pub use crate::state::{ErasedSlot, Slot};
    pub use crate::validation::{both_valid, garde_validate, valid};
    pub use serde::Serialize;
    pub use serde::de::DeserializeOwned;
    pub use std::boxed::Box;
    pub use std::string::String;
    pub use std::vec::Vec;
}
