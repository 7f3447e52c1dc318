use std::sync::Arc;
use std::time::Duration;

use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::query::After;
use super::running::RunningView;
use crate::model::{KeyError, ProjectionInfo};
use crate::record::{DecodeError, Incarnation, Position, RecordedEvent};
use crate::store::{AnyInstance, Store, ViewDefinition, ViewError, ViewHost, ViewPage, ViewStatus};

/// A view without its type, for adapters: keys are text, instances are JSON.
#[derive(Clone, Debug)]
pub struct AnyView {
    view: RunningView,
}

impl AnyView {
    pub(in crate::engine) fn new(view: RunningView) -> Self {
        Self { view }
    }

    /// Feeds a view by itself, without an app, until `stop`: for the tests of a host.
    ///
    /// # Errors
    /// [`ViewError`] if the view cannot be hosted, or the store does not say where its logs end.
    pub async fn feed(
        definition: ViewDefinition,
        host: &dyn ViewHost,
        store: &Arc<dyn Store>,
        stop: &CancellationToken,
    ) -> Result<Self, ViewError> {
        let mut views = RunningView::start(vec![definition], host, store, stop).await?;
        let view = views.pop().ok_or(ViewError::ShutDown)?;
        Ok(Self { view })
    }

    /// What is known of it.
    pub fn info(&self) -> &'static ProjectionInfo {
        self.view.definition.fold.info()
    }

    /// Which logs it is folded from, as the incarnation of [all of them](Incarnation::of_all).
    pub fn incarnation(&self) -> Incarnation {
        self.view.incarnation
    }

    /// How many parts a key has.
    pub fn key_len(&self) -> usize {
        self.view.definition.fold.key_len()
    }

    /// The text of a key from the plain text of its parts.
    ///
    /// # Errors
    /// [`KeyError`] if they are not those of a key of this view.
    pub fn key(&self, parts: &[&str]) -> Result<String, KeyError> {
        self.view.definition.fold.parse_key(parts)
    }

    /// The text of the first parts of a key from their plain text, for [`page`](Self::page) and [`watch`](Self::watch).
    ///
    /// # Errors
    /// [`KeyError`] if no key of this view begins with them.
    pub fn prefix(&self, parts: &[&str]) -> Result<String, KeyError> {
        self.view.definition.fold.parse_prefix(parts)
    }

    /// The plain text of the parts of a key, from its text.
    ///
    /// # Errors
    /// [`KeyError`] if it is not the text of a key.
    pub fn parts(key: &str) -> Result<Vec<String>, KeyError> {
        crate::model::parts(key)
    }

    /// The text of the key of the instance that the event is for; `None` if the view does not handle it.
    ///
    /// # Errors
    /// [`DecodeError`] if it handles the event and cannot read it.
    pub fn key_of(&self, event: &RecordedEvent) -> Result<Option<String>, DecodeError> {
        self.view.definition.fold.key_of(event)
    }

    /// Waits until the view can answer, and has seen what `after` says.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn ready(&self, after: Option<After>, within: Duration) -> Result<(), ViewError> {
        self.view.ready(after.as_ref(), within).await
    }

    /// Waits until the view has seen all of a log up to a position. The caller bounds the wait.
    ///
    /// # Errors
    /// [`ViewError`] if it cannot get there.
    pub async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError> {
        self.view.progress.reached(log, position).await
    }

    /// The instance with this key.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn get(&self, key: &str) -> Result<Option<AnyInstance>, ViewError> {
        self.view.hosted()?.get(key).await
    }

    /// The instances whose keys start with these tokens: the text of a key, or of its first parts, or nothing.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<AnyInstance>, ViewError> {
        self.view.list(prefix).await
    }

    /// Some of these instances, in the order of the text of their keys: at most `limit`, from the first one on whose key
    /// comes after `after`. What is there from the first page to the last is on one of them.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewPage, ViewError> {
        self.view.hosted()?.page(prefix, after, limit).await
    }

    /// The instances under a prefix as they are now, or what changed of them after a position, then every change.
    pub fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>> {
        let (view, prefix) = (self.view.clone(), prefix.to_owned());
        async move {
            match view.ready(None, super::query::DEFAULT_WAIT).await {
                Ok(()) => view.watch(&prefix, after),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            }
        }
        .into_stream()
        .flatten()
        .boxed()
    }

    /// Where the view is.
    pub fn status(&self) -> ViewStatus {
        self.view.progress.status()
    }
}
