//! What a place where views live has to do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::Store;
use super::view_error::ViewError;
#[cfg(doc)]
use crate::model::Key;
use crate::model::{ViewFold, ViewState};
use crate::record::{Codec, CodecError, DecodeError, Json, Position, RecordedEvent, Vocabulary};
use crate::trouble::panics;

/// A place where views live: it feeds them from their logs and answers what they hold.
#[async_trait]
pub trait ViewHost: Send + Sync + 'static {
    /// Starts to feed a view, until `stop` is cancelled.
    ///
    /// A host must apply every event of the view's logs exactly once, in the order of each log, and stop at one
    /// that cannot be read, or that a handler panics at.
    ///
    /// # Errors
    /// [`ViewError`] if the view cannot be hosted.
    async fn host(
        &self,
        view: ViewDefinition,
        store: Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Result<Arc<dyn HostedView>, ViewError>;
}

/// A view that a host keeps up to date.
#[async_trait]
pub trait HostedView: Send + Sync {
    /// The instance with this key, as [`Key::to_text`] writes it.
    ///
    /// # Errors
    /// [`ViewError`].
    async fn get(&self, key: &str) -> Result<Option<ErasedEntry>, ViewError>;

    /// The instances whose keys start with these tokens, in the order of the text of their keys.
    ///
    /// # Errors
    /// [`ViewError`].
    async fn list(&self, prefix: &str) -> Result<Vec<ErasedEntry>, ViewError>;

    /// The instances whose keys start with these tokens, as they are now; of these only what changed after a
    /// position, if there is one; then every change.
    ///
    /// A reader that falls far behind is given the newest value of each key that changed, never an older one later.
    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<ErasedEntry, ViewError>>;

    /// Waits until the view has seen all of a log up to a position. The caller bounds the wait.
    ///
    /// # Errors
    /// [`ViewError`] if it cannot get there.
    async fn reached(&self, log: &Arc<str>, position: Position) -> Result<(), ViewError>;

    /// Where the view is.
    fn status(&self) -> ViewStatus;
}

/// Where a view is.
#[derive(Clone, Debug)]
pub struct ViewStatus {
    /// The position it has reached in each of its logs.
    pub positions: BTreeMap<Arc<str>, Position>,
    /// Why it has stopped, if it has.
    pub stopped: Option<ViewError>,
}

/// An instance of a view, without its type.
#[derive(Clone, Debug)]
pub struct ErasedEntry {
    /// Its key, as [`Key::to_text`] writes it.
    pub key: Arc<str>,
    /// The position of the last event that was folded into it.
    pub position: Position,
    /// What was folded.
    pub state: Arc<dyn ViewState>,
}

impl ErasedEntry {
    /// The fold as a JSON value.
    ///
    /// # Errors
    /// [`CodecError`] if the type cannot be written as JSON.
    pub fn to_json(&self) -> Result<serde_json::Value, CodecError> {
        Json::decode(&self.state.encode()?)
    }
}

/// A view to be hosted.
#[derive(Clone)]
pub struct ViewDefinition {
    /// The event model.
    pub model: Arc<str>,
    /// The logs of the events it handles.
    pub logs: Vec<Arc<str>>,
    /// How it folds.
    pub fold: Arc<dyn ViewFold>,
    /// The events that the model knows.
    pub vocabulary: Arc<Vocabulary>,
}

impl ViewDefinition {
    /// The name of the view.
    pub fn name(&self) -> &'static str {
        self.fold.info().ty.name
    }

    /// The text of the key of the instance that the event is for; `None` if the view does not handle it.
    ///
    /// # Errors
    /// [`ViewError`] if it cannot be read, or is one that the model should know and does not: the view must stop.
    pub fn key_of(&self, event: &RecordedEvent) -> Result<Option<String>, ViewError> {
        self.caught(event, || match self.fold.key_of(event)? {
            Some(key) => Ok(Some(key)),
            None => self.vocabulary.check(event).map(|()| None),
        })
    }

    /// Applies an event, in place, or to a copy if somebody else holds the state.
    ///
    /// # Errors
    /// [`ViewError`] if it cannot be read, or its handler panics: the view must stop. The state may be half of what
    /// it should be.
    pub fn apply(
        &self,
        state: &mut Arc<dyn ViewState>,
        event: &RecordedEvent,
    ) -> Result<(), ViewError> {
        self.caught(event, || {
            if let Some(state) = Arc::get_mut(state) {
                return state.apply(event).map(drop);
            }
            let mut copy = state.clone_state();
            if let Some(copy) = Arc::get_mut(&mut copy) {
                copy.apply(event)?;
            }
            *state = copy;
            Ok(())
        })
    }

    fn caught<T>(
        &self,
        event: &RecordedEvent,
        users: impl FnOnce() -> Result<T, DecodeError>,
    ) -> Result<T, ViewError> {
        let view = self.name();
        match panics::caught(users) {
            Ok(done) => done.map_err(|error| ViewError::Undecodable {
                view,
                error: Arc::new(error),
            }),
            Err(message) => Err(ViewError::Panicked {
                view,
                position: event.position(),
                message,
            }),
        }
    }
}

impl fmt::Debug for ViewDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewDefinition")
            .field("model", &self.model)
            .field("view", &self.name())
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}
