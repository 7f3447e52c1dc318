//! What a place where views live has to do.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::Store;
use super::view_error::ViewError;
use crate::board::Vocabulary;
use crate::model::{Key, Projection, ProjectionInfo};
use crate::record::{Codec, CodecError, DecodeError, Json, Position, RecordedEvent};
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

/// The fold of one instance of a view, without its type.
pub trait ViewState: Any + fmt::Debug + Send + Sync {
    /// Applies an event; `false` if the projection does not handle it.
    ///
    /// # Errors
    /// [`DecodeError`]; nothing has changed then.
    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError>;

    /// The fold as JSON.
    ///
    /// # Errors
    /// [`CodecError`] if the type cannot be written as JSON.
    fn encode(&self) -> Result<Bytes, CodecError>;

    /// A copy.
    fn clone_state(&self) -> Arc<dyn ViewState>;
}

struct Folded<P>(P);

impl<P> fmt::Debug for Folded<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<P>())
    }
}

impl<P: Projection> ViewState for Folded<P> {
    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError> {
        self.0.apply(event)
    }

    fn encode(&self) -> Result<Bytes, CodecError> {
        Json::encode(&self.0)
    }

    fn clone_state(&self) -> Arc<dyn ViewState> {
        Arc::new(Self(self.0.clone()))
    }
}

/// How a view folds, without its type.
pub trait ViewFold: Send + Sync {
    /// The projection.
    fn info(&self) -> &'static ProjectionInfo;

    /// The text of the key of the instance that the event is for; `None` if it does not handle this type.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn key_of(&self, event: &RecordedEvent) -> Result<Option<String>, DecodeError>;

    /// An instance that no event was applied to.
    fn create(&self) -> Arc<dyn ViewState>;

    /// An instance from its JSON.
    ///
    /// # Errors
    /// [`CodecError`].
    fn decode(&self, json: &[u8]) -> Result<Arc<dyn ViewState>, CodecError>;

    /// How many parts a key has.
    fn key_len(&self) -> usize;

    /// The text of a key from the plain text of its parts.
    ///
    /// # Errors
    /// [`crate::KeyError`] if the parts are not those of a key of this view.
    fn parse_key(&self, parts: &[&str]) -> Result<String, crate::model::KeyError>;
}

pub(crate) struct FoldOf<P>(pub(crate) PhantomData<fn() -> P>);

impl<P: Projection> ViewFold for FoldOf<P> {
    fn info(&self) -> &'static ProjectionInfo {
        P::INFO
    }

    fn key_of(&self, event: &RecordedEvent) -> Result<Option<String>, DecodeError> {
        Ok(P::key_of(event)?.map(|key| key.to_text()))
    }

    fn create(&self) -> Arc<dyn ViewState> {
        Arc::new(Folded(P::default()))
    }

    fn decode(&self, json: &[u8]) -> Result<Arc<dyn ViewState>, CodecError> {
        Ok(Arc::new(Folded(Json::decode::<P>(json)?)))
    }

    fn key_len(&self) -> usize {
        P::Key::LEN
    }

    fn parse_key(&self, parts: &[&str]) -> Result<String, crate::model::KeyError> {
        let mut text = crate::model::KeyWriter::default();
        for part in parts {
            text.token(&(*part).to_owned());
        }
        Ok(P::Key::from_text(text.as_str())?.to_text())
    }
}

/// The value of an erased state, if it is a `P`.
pub(crate) fn value_of<P: Projection>(state: &dyn ViewState) -> Option<&P> {
    (state as &dyn Any)
        .downcast_ref::<Folded<P>>()
        .map(|folded| &folded.0)
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
