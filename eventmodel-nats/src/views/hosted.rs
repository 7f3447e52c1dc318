//! A view in a bucket, for those who ask.

use std::sync::Arc;

use async_trait::async_trait;
use eventmodel::Position;
use eventmodel::view::{ErasedEntry, HostedView, ViewError, ViewStatus};
use futures_core::stream::BoxStream;

use super::build::Side;
use super::list::list;
use super::watch::watch;

pub(super) struct KvView(pub(super) Arc<Side>);

#[async_trait]
impl HostedView for KvView {
    async fn get(&self, key: &str) -> Result<Option<ErasedEntry>, ViewError> {
        self.0.progress.check()?;
        Ok(self.0.ask(key).await?)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ErasedEntry>, ViewError> {
        self.0.progress.check()?;
        list(&self.0, prefix).await
    }

    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<ErasedEntry, ViewError>> {
        watch(self.0.clone(), prefix, after)
    }

    async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError> {
        self.0.progress.reached(log, position).await
    }

    fn status(&self) -> ViewStatus {
        self.0.progress.status()
    }
}
