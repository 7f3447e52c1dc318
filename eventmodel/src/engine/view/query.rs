//! How a program asks a view.

use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::time::Duration;

use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};

use super::entry::{ViewInstance, ViewRange};
use super::running::RunningView;
use crate::model::{Key, Projection, value_of};
use crate::record::{Position, Receipt};
use crate::store::{AnyInstance, StoreError, ViewError, ViewStatus};

/// How long a question waits for the view to get where it must be, unless it says otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// A question to a view. Made by [`App::view`](crate::App::view).
#[must_use = "a view is asked with `get`, `list` or `watch`"]
#[derive(Clone, Debug)]
pub struct View<P: Projection> {
    running: Result<RunningView, ViewError>,
    after: Option<After>,
    within: Duration,
    prefix: String,
    range: Option<ViewRange<P::Key>>,
    projection: PhantomData<fn() -> P>,
}

/// What a view is to have seen before it answers.
#[derive(Clone, Debug)]
pub struct After {
    pub(super) log: Option<Arc<str>>,
    pub(super) position: Position,
}

impl After {
    /// Everything in this log up to this position.
    pub fn in_log(log: impl Into<Arc<str>>, position: Position) -> Self {
        Self {
            log: Some(log.into()),
            position,
        }
    }
}

impl From<Position> for After {
    fn from(position: Position) -> Self {
        Self {
            log: None,
            position,
        }
    }
}

impl From<&Receipt> for After {
    fn from(receipt: &Receipt) -> Self {
        Self {
            log: Some(receipt.log.clone()),
            position: receipt.position,
        }
    }
}

impl<P: Projection> View<P> {
    pub(crate) fn new(running: Result<RunningView, ViewError>) -> Self {
        Self {
            running,
            after: None,
            within: DEFAULT_WAIT,
            prefix: String::new(),
            range: None,
            projection: PhantomData,
        }
    }

    /// Answers only when the view has seen this: the position of a receipt, or, if the model has several logs, the
    /// receipt.
    pub fn after(mut self, after: impl Into<After>) -> Self {
        self.after = Some(after.into());
        self
    }

    /// Waits at most so long for the view to get there, instead of [`DEFAULT_WAIT`].
    pub fn within(mut self, wait: Duration) -> Self {
        self.within = wait;
        self
    }

    /// Only instances whose keys start with these parts: one value, or a tuple.
    pub fn prefix(mut self, parts: &impl Key) -> Self {
        self.prefix = parts.to_text();
        self
    }

    /// Only instances whose keys are in this range. They are listed in the order of their keys.
    pub fn range(mut self, range: impl RangeBounds<P::Key>) -> Self
    where
        P::Key: Ord,
    {
        self.range = Some(ViewRange::new(range));
        self
    }

    /// The instance with this key; `None` if no event was for it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn get(&self, key: &P::Key) -> Result<Option<P>, ViewError> {
        Ok(self.instance(key).await?.map(|instance| instance.value))
    }

    /// The instance with this key, and the position of its last event.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn instance(&self, key: &P::Key) -> Result<Option<ViewInstance<P>>, ViewError> {
        let view = self.ready().await?;
        view.hosted()?
            .get(&key.to_text())
            .await?
            .map(|entry| typed(&entry))
            .transpose()
    }

    /// The instances, in the order of the text of their keys; of a range, in the order of their keys.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn list(&self) -> Result<Vec<ViewInstance<P>>, ViewError> {
        let view = self.ready().await?;
        let all = view.list(&self.prefix).await?;
        let mut entries = all
            .into_iter()
            .map(|entry| typed(&entry))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(range) = &self.range {
            entries.retain(|entry: &ViewInstance<P>| range.contains(&entry.key));
            entries.sort_by(|a, b| range.compare(&a.key, &b.key));
        }
        Ok(entries)
    }

    /// The instance with this key as it is now, if it is there, then as every event leaves it.
    ///
    /// A reader that falls more than a thousand changes behind is given the newest value instead of each. The
    /// stream ends when the app shuts down.
    pub fn watch(&self, key: &P::Key) -> BoxStream<'static, Result<ViewInstance<P>, ViewError>> {
        self.watch_under(&key.to_text())
    }

    /// As [`watch`](Self::watch), for all instances, or those of the prefix and the range.
    pub fn watch_all(&self) -> BoxStream<'static, Result<ViewInstance<P>, ViewError>> {
        self.watch_under(&self.prefix)
    }

    fn watch_under(&self, prefix: &str) -> BoxStream<'static, Result<ViewInstance<P>, ViewError>> {
        let (this, prefix, range) = (self.clone(), prefix.to_owned(), self.range.clone());
        async move {
            match this.ready().await {
                Ok(view) => view.watch(&prefix, None),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            }
        }
        .into_stream()
        .flatten()
        .map(|entry| entry.and_then(|entry| typed(&entry)))
        .filter(move |entry: &Result<ViewInstance<P>, _>| {
            let wanted = match (entry, &range) {
                (Ok(entry), Some(range)) => range.contains(&entry.key),
                _ => true,
            };
            std::future::ready(wanted)
        })
        .boxed()
    }

    /// Where the view is.
    ///
    /// # Errors
    /// [`ViewError::NotInModel`].
    pub fn status(&self) -> Result<ViewStatus, ViewError> {
        Ok(self
            .running
            .as_ref()
            .map_err(Clone::clone)?
            .progress
            .status())
    }

    async fn ready(&self) -> Result<&RunningView, ViewError> {
        let view = self.running.as_ref().map_err(Clone::clone)?;
        view.ready(self.after.as_ref(), self.within).await?;
        Ok(view)
    }
}

fn typed<P: Projection>(entry: &AnyInstance) -> Result<ViewInstance<P>, ViewError> {
    let view = P::INFO.ty.name;
    let key = P::Key::from_text(&entry.key).map_err(|error| ViewError::Key { view, error })?;
    let value = value_of::<P>(&*entry.state).cloned().ok_or_else(|| {
        let text = format!("the host of the view `{view}` gave the fold of another one");
        StoreError::failed(text)
    })?;
    Ok(ViewInstance {
        key,
        value,
        position: entry.position,
    })
}
