//! Which version of a view other programs should read: a key of a bucket that all views share.

use std::time::Duration;

use async_nats::HeaderMap;
use eventmodel::ViewError;
use eventmodel::store::ViewDefinition;
use eventmodel::{__limited as limited, Position, StoreError};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::bucket::{Bucket, BucketSpec, Put};
use super::build::{Build, json};
use super::options::{KvViews, token};
use crate::connect::setup::Setup;

const BUCKET: &str = "eventmodel_views";

/// The wait before another attempt, at first and at most; it doubles each time.
const RETRY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Current {
    key: String,
    record: Record,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    bucket: String,
    version: u32,
}

impl Current {
    pub(super) fn new(view: &ViewDefinition, options: &KvViews) -> Self {
        let name = view.name();
        Self {
            key: format!("{}.{}", token(&view.model), token(name)),
            record: Record {
                bucket: options.bucket(&view.model, name),
                version: options.version_of(name),
            },
        }
    }

    /// Publishes this version as soon as it has reached these positions, unless a newer one is published.
    pub(super) async fn publish(&self, build: &Build, setup: &Setup, ends: &[Position]) {
        let mut pause = RETRY;
        while let Err(error) = self.try_publish(build, setup, ends).await {
            // A stopped view publishes nothing; an operator may mend any error of the store.
            let has_stopped = build.progress.status().stopped.is_some();
            if has_stopped || !matches!(error, ViewError::Store(_)) && !error.is_retryable() {
                return;
            }
            let (view, bucket) = (build.definition.name(), &self.record.bucket);
            if pause == PATIENCE {
                limited!(WARN, "cannot publish the version of the view yet", view, bucket, %error);
            }
            sleep(pause).await;
            pause = (2 * pause).min(PATIENCE);
        }
    }

    async fn try_publish(
        &self,
        build: &Build,
        setup: &Setup,
        ends: &[Position],
    ) -> Result<(), ViewError> {
        for (log, end) in build.logs.iter().zip(ends) {
            build.progress.reached(&log.name, *end).await?;
        }
        let spec = BucketSpec {
            name: BUCKET.into(),
            description: "Which bucket has the newest version of each view".into(),
            history: 1,
            metadata: Vec::new(),
        };
        let bucket = Bucket::open(&build.bucket.connection, setup, &spec).await?;
        loop {
            let value = bucket.get(&self.key).await?;
            let told = value.as_ref().map(|value| {
                serde_json::from_slice::<Record>(&value.payload).map_err(StoreError::failed)
            });
            let told = told.transpose()?;
            if told.is_some_and(|told| told.version >= self.record.version) {
                return Ok(());
            }
            let expected = value.map_or(0, |value| value.sequence);
            let record = json(&self.record)?;
            let put = bucket.put(&self.key, expected, HeaderMap::new(), record);
            if let Put::Stored(_) = put.await? {
                return Ok(());
            }
            sleep(RETRY).await;
        }
    }
}
