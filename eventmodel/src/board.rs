//! The board: the slices of an event model in the order of time, and what is known of them.

mod check;
mod entries;
mod event_model;
mod slice;

pub use crate::model::CommandEntry;
pub use check::{ModelError, ModelProblem};
pub use entries::{AutomationEntry, ViewDescription};
pub(crate) use entries::{log_of, logs_of_handlers};
pub use event_model::EventModel;
pub use slice::{Slice, Step};
