use std::sync::Arc;
use std::time::Duration;

use super::error::StoreError;
use crate::model::KeyError;
use crate::record::{DecodeError, Position};

/// Why a view could not answer, or [`App::settled`](crate::App::settled) did not wait for all of them.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// No slice of the model has this view. Add it: `Slice::view::<..>()`.
    #[error("no slice of the model has the view `{view}`: add it with `Slice::view`")]
    NotInModel {
        /// The view.
        view: &'static str,
    },
    /// The view has not reached the position in time. Ask again, or wait longer with `within`.
    #[error(
        "the view `{view}` is at position {at}, and did not reach {wanted} within {waited:?}: ask again"
    )]
    NotReached {
        /// The view.
        view: &'static str,
        /// The position asked for.
        wanted: Position,
        /// Where the view is.
        at: Position,
        /// How long it was waited.
        waited: Duration,
    },
    /// The view has stopped at an event that it cannot read, so as not to skip it.
    #[error("the view `{view}` has stopped: {error}")]
    Undecodable {
        /// The view.
        view: &'static str,
        /// The event and why.
        #[source]
        error: Arc<DecodeError>,
    },
    /// The view has stopped at an event that its handler panicked at, so as not to skip it. Mend the handler.
    #[error(
        "the view `{view}` has stopped: its handler panicked at position {position}: {message}"
    )]
    Panicked {
        /// The view.
        view: &'static str,
        /// The position of the event.
        position: Position,
        /// What the handler said.
        message: String,
    },
    /// The key that was asked for is not one of this view.
    #[error("the view `{view}` has no such key: {error}")]
    Key {
        /// The view.
        view: &'static str,
        /// What is wrong with it.
        #[source]
        error: KeyError,
    },
    /// A position was given that is not in a log of this view.
    #[error("the view `{view}` does not read the log `{log}`: pass a receipt of one of its logs")]
    OtherLog {
        /// The view.
        view: &'static str,
        /// The log.
        log: Arc<str>,
    },
    /// The view reads several logs, and the position does not say which. Pass the receipt itself.
    #[error("the view `{view}` reads several logs: pass the receipt, not only its position")]
    WhichLog {
        /// The view.
        view: &'static str,
    },
    /// A handler of an automation has called [`App::settled`](crate::App::settled), which would wait for that handler.
    /// To find its event in a view, let it ask the view with [`View::after`](crate::View::after); or let the caller of
    /// the command wait.
    #[error(
        "`settled` was called in a handler of the automation `{automation}`, which it would wait for: to find an event in a view, ask the view with `View::after`; or let the caller of the command wait"
    )]
    InHandler {
        /// The automation.
        automation: &'static str,
    },
    /// The app is shut down.
    #[error("the app is shut down")]
    ShutDown,
    /// The store of the view failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ViewError {
    /// Whether the same question may be answered later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotReached { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
