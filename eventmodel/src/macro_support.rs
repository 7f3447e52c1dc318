//! What the macros expand to. Not a part of the API.

mod id_writer;
mod probe;

pub use crate::model::automation::{FromReaction, Reacting, Reaction, issues_of};
pub use crate::model::fields::{ByName, FromFields, Given, HasField};
pub use crate::model::projection::FromRecorded;
pub use crate::model::state::{ErasedSlot, Slot};
pub use crate::model::validation::{both_valid, garde_validate, valid};
pub use crate::trouble::log_limit::LogLimit;
pub use id_writer::IdWriter;
pub use probe::{Otherwise, Probe, state_part, stream, stream_key};
