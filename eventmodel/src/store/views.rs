//! What a host of views has to do.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::view_error::ViewError;
use super::view_progress::ViewProgress;
#[cfg(doc)]
use crate::model::Key;
use crate::model::{ViewFold, ViewState};
use crate::record::{
    Codec, CodecError, DecodeError, Json, Position, RecordedEvent, Subject, SubjectPattern,
    Vocabulary,
};
use crate::trouble::panics;

/// Hosts views. It only keeps them: the engine reads the logs, applies the events in their order, tries again, and
/// stops at what cannot be read.
#[async_trait]
pub trait ViewHost: Send + Sync + 'static {
    /// Opens what the host has kept of a view, or begins with nothing. What the host does in the background for the
    /// view ends with `stop`.
    ///
    /// # Errors
    /// [`ViewError`] if the view cannot be hosted.
    async fn open(
        &self,
        view: Arc<ViewDefinition>,
        stop: CancellationToken,
    ) -> Result<OpenView, ViewError>;
}

/// A view that was opened.
#[non_exhaustive]
pub struct OpenView {
    /// For queries.
    pub hosted: Arc<dyn HostedView>,
    /// For the engine, which feeds it.
    pub table: Box<dyn ViewTable>,
    /// How far it is.
    pub progress: Arc<ViewProgress>,
}

impl OpenView {
    /// A view for queries, what feeds it, and how far it is.
    pub fn new(
        hosted: Arc<dyn HostedView>,
        table: Box<dyn ViewTable>,
        progress: Arc<ViewProgress>,
    ) -> Self {
        Self {
            hosted,
            table,
            progress,
        }
    }
}

impl fmt::Debug for OpenView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenView")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// Where the events of a view go.
#[async_trait]
pub trait ViewTable: Send + 'static {
    /// Applies events, and keeps the result together with their positions. The events of each log come in its order,
    /// without a gap after those that were applied before.
    ///
    /// After a retryable error the engine gives the same events again; the table applies each once.
    ///
    /// # Errors
    /// [`NotApplied`].
    async fn apply(&mut self, events: &[ViewEvent]) -> Result<(), NotApplied>;

    /// Is called when no event comes any more.
    async fn close(&mut self) {}
}

/// An event on its way into a view.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ViewEvent {
    /// The number of its log among those of the [`ViewDefinition`].
    pub log: usize,
    /// The event.
    pub event: RecordedEvent,
    /// The text of the key of the instance that it is for; `None` if the view does not handle it. Then it only moves
    /// the view on.
    pub key: Option<Arc<str>>,
}

impl ViewEvent {
    /// An event of a log, for an instance.
    pub fn new(log: usize, event: RecordedEvent, key: Option<Arc<str>>) -> Self {
        Self { log, event, key }
    }
}

/// Why events were not applied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct NotApplied {
    /// The number, among the events given, of the one that the view cannot get past, if an event is the cause. The
    /// engine gives those before it once more, and stops the view.
    pub at: Option<usize>,
    /// Why. If this is retryable, the engine gives the same events again.
    #[source]
    pub error: ViewError,
}

impl NotApplied {
    /// The event of this number is the cause.
    pub fn at(number: usize, error: ViewError) -> Self {
        Self {
            at: Some(number),
            error,
        }
    }
}

impl<E: Into<ViewError>> From<E> for NotApplied {
    fn from(error: E) -> Self {
        Self {
            at: None,
            error: error.into(),
        }
    }
}

/// A view that a host keeps, for queries.
#[async_trait]
pub trait HostedView: Send + Sync {
    /// The instance with this key, as [`Key::to_text`] writes it.
    ///
    /// # Errors
    /// [`ViewError`].
    async fn get(&self, key: &str) -> Result<Option<AnyInstance>, ViewError>;

    /// The instances whose keys start with these tokens, in the order of the text of their keys: at most `limit`,
    /// beginning with the first one whose key comes after `after`. An instance that exists from the first page to the
    /// last is on one of them.
    ///
    /// # Errors
    /// [`ViewError`].
    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ViewPage, ViewError>;

    /// The instances whose keys start with these tokens: first as they are now, or, given a position, only those that
    /// changed after it; then every change.
    ///
    /// A reader that falls far behind gets the newest value of each key that changed, and never an older one later.
    fn watch(
        &self,
        prefix: &str,
        after: Option<Position>,
    ) -> BoxStream<'static, Result<AnyInstance, ViewError>>;
}

/// Some of the instances of a view.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ViewPage {
    /// In the order of the text of their keys.
    pub instances: Vec<AnyInstance>,
    /// Whether there are more.
    pub has_more: bool,
}

impl ViewPage {
    /// These instances, and whether there are more.
    pub fn new(instances: Vec<AnyInstance>, has_more: bool) -> Self {
        Self {
            instances,
            has_more,
        }
    }
}

/// What a host keeps by the text of keys, in their order: those that start with the tokens of `prefix` and come after
/// `after`. For [`HostedView::page`]; a page costs what is on it.
///
/// ```
/// # use std::{collections::BTreeMap, sync::Arc};
/// # use eventmodel::store::under;
/// let kept = ["1.a", "1.b", "10.a", "2.a"].map(|key| (Arc::from(key), ()));
/// let kept = BTreeMap::from(kept);
/// let keys = |prefix, after| under(&kept, prefix, after).map(|(key, ())| &**key).collect::<Vec<_>>();
/// assert_eq!(keys("1", None), ["1.a", "1.b"]);
/// assert_eq!(keys("", Some("1.bb")), ["10.a", "2.a"]);
/// ```
pub fn under<'a, V>(
    kept: &'a BTreeMap<Arc<str>, V>,
    prefix: &str,
    after: Option<&str>,
) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> + use<'a, V> {
    let is_after = |key: &str| after.is_none_or(|after| after < key);
    // What comes after the dot comes before the slash.
    let (first, end) = (format!("{prefix}."), format!("{prefix}/"));
    let (itself, from, to) = if prefix.is_empty() {
        (None, Unbounded, Unbounded)
    } else {
        let itself = kept.get_key_value(prefix).filter(|_| is_after(prefix));
        (itself, Included(&*first), Excluded(&*end))
    };
    let from = match (after, from) {
        (Some(after), Included(first)) if after < first => Included(first),
        (Some(after), _) => Excluded(after),
        (None, from) => from,
    };
    let is_past = !prefix.is_empty() && !is_after(&end);
    let below = (!is_past).then(|| kept.range::<str, _>((from, to)));
    itself.into_iter().chain(below.into_iter().flatten())
}

/// An instance of a view, without its type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnyInstance {
    /// Its key, as [`Key::to_text`] writes it.
    pub key: Arc<str>,
    /// The position of the last event that was folded into it.
    pub position: Position,
    /// What was folded.
    pub state: Arc<dyn ViewState>,
}

impl AnyInstance {
    /// What was folded for a key, up to a position.
    pub fn new(key: impl Into<Arc<str>>, position: Position, state: Arc<dyn ViewState>) -> Self {
        Self {
            key: key.into(),
            position,
            state,
        }
    }
}

impl AnyInstance {
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
#[non_exhaustive]
pub struct ViewDefinition {
    /// The event model.
    pub model: Arc<str>,
    /// The logs of the events it handles.
    pub logs: Vec<Arc<str>>,
    /// How it folds.
    pub fold: Arc<dyn ViewFold>,
    /// The events that the model knows.
    pub vocabulary: Arc<Vocabulary>,
    /// The subjects of the streams whose events it handles.
    handled: Arc<[SubjectPattern]>,
}

impl ViewDefinition {
    /// A view of a model, over these logs.
    pub fn new(
        model: impl Into<Arc<str>>,
        logs: Vec<Arc<str>>,
        fold: Arc<dyn ViewFold>,
        vocabulary: Arc<Vocabulary>,
    ) -> Self {
        let handlers = fold.info().handlers.iter();
        let streams = handlers.flat_map(|handler| handler.event.streams);
        let handled = streams.map(|stream| stream.template.pattern()).collect();
        Self {
            model: model.into(),
            logs,
            fold,
            vocabulary,
            handled,
        }
    }
}

impl ViewDefinition {
    /// The name of the view.
    pub fn name(&self) -> &'static str {
        self.fold.info().ty.name
    }

    /// Whether it handles events of the stream that this subject is of. What lies elsewhere and cannot be read is
    /// nothing that it handles.
    pub fn handles_stream_of(&self, subject: &Subject) -> bool {
        self.handled.iter().any(|pattern| pattern.matches(subject))
    }

    /// The text of the key of the instance that the event is for; `None` if the view does not handle it.
    ///
    /// # Errors
    /// [`ViewError`] if it cannot be read, or lies on a stream whose events the view handles and the model does not
    /// know its type: the view must stop.
    pub fn key_of(&self, event: &RecordedEvent) -> Result<Option<String>, ViewError> {
        self.caught(event, || match self.fold.key_of(event)? {
            Some(key) => Ok(Some(key)),
            None => match self.vocabulary.check(event) {
                Err(error) if self.handles_stream_of_any(event) => Err(error),
                _ => Ok(None),
            },
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

    fn handles_stream_of_any(&self, event: &RecordedEvent) -> bool {
        let mut subjects = event.metadata().subjects.iter();
        subjects.any(|subject| self.handles_stream_of(subject))
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
