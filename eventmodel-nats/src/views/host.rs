//! Opening a view: its bucket, its checkpoints, and the task that feeds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::ViewError;
use eventmodel::store::{
    AnyInstance, HostedView, OpenView, ViewDefinition, ViewHost, ViewPage, ViewProgress,
};
use eventmodel::{Position, StoreError};
use futures_core::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::bucket::{Bucket, BucketSpec};
use super::build::Build;
use super::checkpoint::Checkpoint;
use super::current::Current;
use super::entries::Known;
use super::index::Index;
use super::list::page;
use super::options::KvViews;
use super::positions::ViewLog;
use super::table::KvTable;
use super::watch::{Beginnings, watch};
use crate::connect::drift::drifted;
use crate::log::logs::Logs;

/// The views of a store in its buckets.
#[derive(Debug)]
pub(crate) struct KvHost {
    pub(crate) logs: Arc<Logs>,
    pub(crate) options: KvViews,
}

#[async_trait]
impl ViewHost for KvHost {
    async fn open(
        &self,
        view: Arc<ViewDefinition>,
        stop: CancellationToken,
    ) -> Result<OpenView, ViewError> {
        let current = Current::new(&view, &self.options);
        let (build, table) = self.open_bucket(view).await?;
        let ends = self.ends(&build).await?;
        let (published, setup) = (build.clone(), self.logs.setup.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = current.publish(&published, &setup, &ends) => {}
            }
        });
        let progress = build.progress.clone();
        let hosted = Arc::new(KvView(build));
        Ok(OpenView::new(hosted, Box::new(table), progress))
    }
}

impl KvHost {
    async fn open_bucket(
        &self,
        view: Arc<ViewDefinition>,
    ) -> Result<(Arc<Build>, KvTable), StoreError> {
        let (connection, setup) = (&self.logs.connection, &self.logs.setup);
        let mut logs = Vec::with_capacity(view.logs.len());
        for name in &view.logs {
            let created = self.logs.get(name)?.created;
            let name = name.clone();
            logs.push(ViewLog { name, created });
        }
        let bucket = Bucket::open(connection, setup, &self.spec(&view)).await?;
        let mut checkpoints = Vec::with_capacity(logs.len());
        let mut is_new = true;
        for log in &logs {
            let (checkpoint, was_there) = Checkpoint::open(&bucket, log).await?;
            is_new &= !was_there;
            checkpoints.push(checkpoint);
        }
        let positions = logs.iter().zip(&checkpoints);
        let positions = positions.map(|(log, at)| (log.name.clone(), at.position()));
        let positions: BTreeMap<Arc<str>, Position> = positions.collect();
        let build = Build {
            progress: Arc::new(ViewProgress::new(view.name(), positions)),
            definition: view,
            bucket,
            index: Index::default(),
            beginnings: Beginnings::default(),
            logs,
        };
        for (number, checkpoint) in checkpoints.iter().enumerate() {
            let log = &build.logs[number];
            if checkpoint.created() != log.created {
                return Err(build.recreated(number, checkpoint.created()));
            }
        }
        let known = Known::new(self.options.cache, is_new);
        let build = Arc::new(build);
        Ok((build.clone(), KvTable::new(build, checkpoints, known)))
    }

    /// Where the logs end. Fails if a log ends before the position of the view.
    async fn ends(&self, build: &Build) -> Result<Vec<Position>, StoreError> {
        let reached = build.progress.status().positions;
        let mut ends = Vec::with_capacity(build.logs.len());
        for log in &build.logs {
            let (end, at) = (
                self.logs.get(&log.name)?.last_position().await?,
                reached[&log.name],
            );
            if end < at {
                let (bucket, anew) = (&build.bucket.name, build.bucket.anew());
                return Err(drifted(
                    log.name.clone(),
                    format!(
                        "it ends at {end}, and the bucket `{bucket}` has its events up to {at}: the JetStream stream was \
                         restored from an older state; {anew}"
                    ),
                ));
            }
            ends.push(end);
        }
        Ok(ends)
    }

    fn spec(&self, view: &ViewDefinition) -> BucketSpec {
        let (model, name) = (&*view.model, view.name());
        let bucket = self.options.bucket(model, name);
        let mut events: Vec<&str> = view
            .fold
            .info()
            .handlers
            .iter()
            .map(|h| h.event.event_type)
            .collect();
        events.sort_unstable();
        let mut logs: Vec<&str> = view.logs.iter().map(|log| &**log).collect();
        logs.sort_unstable();
        let other = "another view has the same bucket: give this one, or its model, another name";
        let version = "the view was changed, so that what the bucket holds is not what it would fold: give it another \
                       version (`KvViews::version`)";
        let noted = |name, value: String, remedy: &str| (name, value, remedy.to_owned());
        BucketSpec {
            name: bucket,
            description: format!("The view {name} of {model}"),
            history: self.options.history,
            metadata: vec![
                noted("eventmodel.model", model.to_owned(), other),
                noted("eventmodel.view", name.to_owned(), other),
                noted("eventmodel.events", events.join(","), version),
                noted("eventmodel.logs", logs.join(","), version),
            ],
        }
    }
}

/// A view in a bucket, for queries.
struct KvView(Arc<Build>);

#[async_trait]
impl HostedView for KvView {
    async fn get(&self, key: &str) -> Result<Option<AnyInstance>, ViewError> {
        Ok(self.0.query(key).await?)
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewPage, ViewError> {
        page(&self.0, prefix, after, limit).await
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        watch(self.0.clone(), prefix, after)
    }
}
