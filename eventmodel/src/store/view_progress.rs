use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::view_error::ViewError;
use crate::record::Position;

/// Where a view is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ViewStatus {
    /// The position it has reached in each of its logs.
    pub positions: BTreeMap<Arc<str>, Position>,
    /// How often it has met something without a sound envelope, on no stream whose events it handles, and went on.
    /// Counts from the start of the app. An event of a type that the model does not know has an envelope, and is not
    /// counted.
    pub unread: u64,
    /// Why it has stopped, if it has.
    pub stopped: Option<ViewError>,
}

/// How far a view is. A [`ViewHost`](super::ViewHost) makes it, the engine moves it on, and whoever asks the view waits
/// on it.
#[derive(Debug)]
pub struct ViewProgress {
    view: &'static str,
    status: watch::Sender<ViewStatus>,
}

impl ViewProgress {
    /// A view that has reached these positions of its logs.
    pub fn new(view: &'static str, positions: BTreeMap<Arc<str>, Position>) -> Self {
        let status = ViewStatus {
            positions,
            unread: 0,
            stopped: None,
        };
        Self {
            view,
            status: watch::Sender::new(status),
        }
    }

    /// Notes that all events of the log up to this position are applied.
    pub fn advance(&self, log: &Arc<str>, position: Position) {
        self.status.send_if_modified(|status| {
            let at = status.positions.entry(log.clone()).or_default();
            let is_further = *at < position;
            *at = position.max(*at);
            is_further
        });
    }

    /// Notes that the view goes on past something that cannot be read.
    pub(crate) fn pass_unread(&self) {
        self.status.send_modify(|status| status.unread += 1);
    }

    /// Stops the view. The first reason stays.
    pub fn stop(&self, error: ViewError) {
        self.status.send_modify(|status| {
            status.stopped.get_or_insert(error);
        });
    }

    /// Fails if the view has stopped: it must not answer any more.
    ///
    /// # Errors
    /// Why the view has stopped.
    pub fn check(&self) -> Result<(), ViewError> {
        match &self.status.borrow().stopped {
            Some(ViewError::ShutDown) | None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// Waits until all events of the log up to this position are applied.
    ///
    /// # Errors
    /// Why the view has stopped before it was there; [`ViewError::OtherLog`].
    pub async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError> {
        let mut status = self.status.subscribe();
        if !status.borrow().positions.contains_key(log) {
            return Err(ViewError::OtherLog {
                view: self.view,
                log: log.clone(),
            });
        }
        let is_there =
            |status: &ViewStatus| status.positions.get(log).is_some_and(|at| *at >= position);
        let status = status
            .wait_for(|status| is_there(status) || status.stopped.is_some())
            .await
            .map_err(|_| ViewError::ShutDown)?;
        match &status.stopped {
            Some(error) if !is_there(&status) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until the view stops, and says why.
    pub async fn stopped(&self) -> ViewError {
        let mut status = self.status.subscribe();
        let stopped = status.wait_for(|status| status.stopped.is_some()).await;
        stopped
            .ok()
            .and_then(|status| status.stopped.clone())
            .unwrap_or(ViewError::ShutDown)
    }

    /// Where the view is in this log.
    pub fn position(&self, log: &Arc<str>) -> Position {
        let status = self.status.borrow();
        status.positions.get(log).copied().unwrap_or_default()
    }

    /// Where the view is.
    pub fn status(&self) -> ViewStatus {
        self.status.borrow().clone()
    }
}
