//! The board: the slices of an event model in the order of time, and what is known of them.

mod check;
mod entries;
mod event_model;
mod slice;

pub use crate::model::any_command::CommandEntry;
pub use crate::model::automation::AutomationInfo;
pub use crate::model::command::CommandInfo;
pub use crate::model::describe::{FieldInfo, SchemaInfo, TypeInfo};
pub use crate::model::event::EventInfo;
pub use crate::model::projection::{HandlerInfo, ProjectionInfo};
pub use crate::model::rejection::{RejectionInfo, VariantInfo};
pub use crate::model::state::StateInfo;
pub use crate::model::stream::StreamInfo;
pub use check::{ModelError, ModelProblem};
pub use entries::{AutomationEntry, ViewEntry};
pub(crate) use entries::{log_of, logs_of_handlers};
pub use event_model::EventModel;
pub use slice::{Slice, Step};
