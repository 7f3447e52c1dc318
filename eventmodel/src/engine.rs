//! The running event model: executes commands, answers views, runs automations.

mod app;
mod audit;
mod automation;
mod backoff;
mod command;
mod drain;
mod error;
mod events;
mod options;
mod refused;
mod snapshots;
mod view;

pub use app::App;
pub use automation::{AutomationStatus, RetryError, Waiting};
pub use drain::NotDrained;
pub use error::{ExecuteError, Failure, Panicked, StartError};
pub use events::EventQuery;
pub use options::{AppOptions, ExecuteOptions};
pub(crate) use view::RunningView;
pub use view::{After, AnyView, DEFAULT_WAIT, View, ViewInstance};
