//! Views: projections that are kept up to date and queried.
//!
//! A [`ViewHost`] feeds a projection from its logs and keeps its instances; [`View`] is how a program asks.

mod entry;
mod error;
mod host;
mod memory;
mod progress;
mod query;
mod running;

pub use entry::ViewEntry;
pub use error::ViewError;
pub(crate) use host::FoldOf;
pub use host::{
    ErasedEntry, HostedView, ViewDefinition, ViewFold, ViewHost, ViewState, ViewStatus,
};
pub use memory::MemoryViews;
pub use progress::ViewProgress;
pub use query::{After, DEFAULT_WAIT, View};
pub(crate) use running::RunningView;
