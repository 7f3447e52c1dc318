//! Views: projections that are kept up to date and queried.

mod any;
mod entry;
mod feed;
mod feeder;
mod query;
mod running;

pub use any::AnyView;
pub use entry::ViewInstance;
pub use query::{After, DEFAULT_WAIT, View};
pub(crate) use running::RunningView;
