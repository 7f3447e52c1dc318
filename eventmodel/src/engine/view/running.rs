use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::feed::{Follower, LogFeeds};
use super::feeder::Feeder;
use super::query::After;
use crate::record::{Incarnation, Position};
use crate::store::{
    AnyInstance, HostedView, OpenView, Store, ViewDefinition, ViewError, ViewHost, ViewProgress,
};

/// A view of a running app.
#[derive(Clone)]
pub(crate) struct RunningView {
    pub(crate) definition: Arc<ViewDefinition>,
    hosted: Arc<dyn HostedView>,
    pub(crate) progress: Arc<ViewProgress>,
    /// Where its logs ended when the app was started: before that it is still being folded, and does not answer.
    pub(crate) at_start: Arc<[(Arc<str>, Position)]>,
    pub(crate) incarnation: Incarnation,
}

impl RunningView {
    /// Opens views in a host, and feeds them until `stop`. Each log is read once for all of them.
    pub(crate) async fn start(
        definitions: Vec<ViewDefinition>,
        host: &dyn ViewHost,
        store: &Arc<dyn Store>,
        stop: &CancellationToken,
    ) -> Result<Vec<Self>, ViewError> {
        let mut ends: HashMap<Arc<str>, Position> = HashMap::new();
        for log in definitions.iter().flat_map(|definition| &definition.logs) {
            if !ends.contains_key(log) {
                ends.insert(log.clone(), store.last_position(log).await?);
            }
        }
        let (mut views, mut feeders) = (Vec::new(), Vec::new());
        for definition in definitions {
            let definition = Arc::new(definition);
            let opened = host.open(definition.clone(), stop.child_token()).await?;
            let OpenView {
                hosted,
                table,
                progress,
            } = opened;
            let incarnations = definition.logs.iter().map(|log| store.incarnation(log));
            let incarnations = incarnations.collect::<Result<Vec<_>, _>>()?;
            let logs = definition.logs.iter();
            feeders.push(Feeder {
                definition: definition.clone(),
                table,
                progress: progress.clone(),
            });
            views.push(Self {
                incarnation: Incarnation::of_all(&incarnations),
                at_start: logs.map(|log| (log.clone(), ends[log])).collect(),
                definition,
                hosted,
                progress,
            });
        }
        let mut followers: HashMap<&Arc<str>, std::vec::IntoIter<Follower>> = HashMap::new();
        for log in ends.keys() {
            let of_log = views
                .iter()
                .filter(|view| view.definition.logs.contains(log));
            let positions: Vec<_> = of_log.map(|view| view.at(log)).collect();
            let of_log = LogFeeds::start(store, log, &positions);
            followers.insert(log, of_log.into_iter());
        }
        for feeder in feeders {
            let logs = feeder.definition.logs.iter();
            let logs = logs
                .filter_map(|log| followers.get_mut(log)?.next())
                .collect();
            tokio::spawn(feeder.run(logs, stop.clone()));
        }
        Ok(views)
    }

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
            tokio::time::timeout(left, self.progress.reached(log, *position))
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

    /// What the host keeps.
    ///
    /// # Errors
    /// Why the view has stopped, if something is wrong: then it does not answer any more.
    pub(crate) fn hosted(&self) -> Result<&Arc<dyn HostedView>, ViewError> {
        self.progress.check()?;
        Ok(&self.hosted)
    }

    /// All instances whose keys start with these tokens.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<AnyInstance>, ViewError> {
        let all = self.hosted()?.page(prefix, None, usize::MAX).await?;
        Ok(all.instances)
    }

    /// Those of them that are there, and then every change.
    pub(crate) fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        // A position of one of several logs says nothing about the others, and one that lies ahead is of a log
        // that is gone: everything is shown then.
        let after = after.filter(|after| {
            let positions = self.progress.status().positions;
            positions.len() == 1 && positions.values().all(|at| after <= at)
        });
        self.hosted.watch(prefix, after)
    }

    fn at(&self, log: &Arc<str>) -> Position {
        self.progress.position(log)
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
