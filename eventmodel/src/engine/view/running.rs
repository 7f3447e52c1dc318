use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::query::After;
use crate::record::Position;
use crate::store::{HostedView, ViewDefinition, ViewError};

/// A view of a running app.
#[derive(Clone)]
pub(crate) struct RunningView {
    pub(crate) definition: ViewDefinition,
    pub(crate) hosted: Arc<dyn HostedView>,
    /// Where its logs ended when the app was started: before that it is still being folded, and does not answer.
    pub(crate) at_start: Arc<[(Arc<str>, Position)]>,
}

impl RunningView {
    /// Waits until the view can answer.
    pub(crate) async fn ready(
        &self,
        after: Option<&After>,
        within: Duration,
    ) -> Result<(), ViewError> {
        let wanted = after.map(|after| self.resolve(after)).transpose()?;
        let all = self.at_start.iter().chain(wanted.iter());
        let started = tokio::time::Instant::now();
        for (log, position) in all {
            if self.at(log) >= *position {
                continue;
            }
            let left = within.saturating_sub(started.elapsed());
            tokio::time::timeout(left, self.hosted.reached(log, *position))
                .await
                .map_err(|_| ViewError::NotReached {
                    view: self.definition.name(),
                    wanted: *position,
                    at: self.at(log),
                    waited: within,
                })??;
        }
        Ok(())
    }

    fn at(&self, log: &Arc<str>) -> Position {
        self.hosted
            .status()
            .positions
            .get(log)
            .copied()
            .unwrap_or_default()
    }

    fn resolve(&self, after: &After) -> Result<(Arc<str>, Position), ViewError> {
        let view = self.definition.name();
        match (&after.log, &*self.definition.logs) {
            (Some(log), logs) if !logs.contains(log) => Err(ViewError::OtherLog {
                view,
                log: log.clone(),
            }),
            (Some(log), _) | (None, [log]) => Ok((log.clone(), after.position)),
            (None, _) => Err(ViewError::WhichLog { view }),
        }
    }
}

impl fmt::Debug for RunningView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningView")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}
