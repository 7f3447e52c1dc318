//! The running event model: executes commands, answers views, runs automations.

mod app;
mod automation;
mod backoff;
mod command;
mod drain;
mod error;
mod events;
mod options;
mod snapshots;
mod view;

pub use app::App;
pub use automation::{AutomationStatus, Parked, RetryError, Waiting};
pub use drain::NotDrained;
pub use error::{ExecuteError, Failure, Panicked, RejectionReport, StartError};
pub use events::EventQuery;
pub use options::{AppOptions, ExecuteOptions};
pub(crate) use view::RunningView;
pub use view::{After, AnyView, DEFAULT_WAIT, View, ViewEntry};
