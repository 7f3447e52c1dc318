//! One state while a command is executed: what was folded so far, and up to where.

use std::any::{Any, TypeId};
use std::io;
use std::sync::Arc;

use crate::model::projection::{Projection, ProjectionInfo};
use crate::record::{DecodeError, Position, RecordedEvent, Subject};

/// The state of one stream instance while a command is executed.
#[derive(Debug)]
pub struct Slot<P> {
    subject: Subject,
    log: Option<&'static str>,
    guarded: bool,
    /// `None` stands for the default.
    state: Option<Arc<P>>,
    revision: Position,
}

impl<P: Projection> Slot<P> {
    pub(super) fn new(subject: Subject, log: Option<&'static str>, guarded: bool) -> Self {
        Self {
            subject,
            log,
            guarded,
            state: None,
            revision: Position::START,
        }
    }

    pub(super) fn with<R>(&self, decide: impl FnOnce(&P) -> R) -> R {
        match &self.state {
            Some(state) => decide(state),
            None => decide(&P::default()),
        }
    }

    pub(super) fn shared(&self) -> Arc<P> {
        self.state.clone().unwrap_or_default()
    }
}

/// A [`Slot`] with its type erased, for the engine and the specs.
#[doc(hidden)]
pub trait ErasedSlot: Send + Sync {
    /// The projection.
    fn info(&self) -> &'static ProjectionInfo;
    /// Tells the states of two projections on one subject apart.
    fn projection_id(&self) -> TypeId;
    /// The name of the projection's type, with its path and its parameters.
    fn type_name(&self) -> &'static str;
    /// The instance it is loaded from.
    fn subject(&self) -> &Subject;
    /// The log of its stream; `None` means the model's log.
    fn log(&self) -> Option<&'static str>;
    /// Whether the decision is guarded on it.
    fn guarded(&self) -> bool;
    /// The position of the last event on the subject that it has seen.
    fn revision(&self) -> Position;
    /// Notes that everything up to `revision` is folded.
    fn set_revision(&mut self, revision: Position);
    /// Whether the cache shares the state.
    fn is_shared(&self) -> bool;
    /// Folds an event in; `false` if the projection does not handle it.
    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError>;
    /// The state, to be cached.
    fn save(&self) -> Arc<dyn Any + Send + Sync>;
    /// Takes a cached state. A state of another type is ignored.
    fn restore(&mut self, state: Arc<dyn Any + Send + Sync>, revision: Position);
    /// An independent copy.
    fn copy(&self) -> Box<dyn ErasedSlot>;
    /// Writes the state as a snapshot, as JSON.
    fn encode(&self, to: &mut dyn io::Write) -> Result<(), serde_json::Error>;
    /// Takes a state from a snapshot. If the snapshot cannot be read, nothing changes.
    fn decode(&mut self, state: &[u8], revision: Position) -> Result<(), serde_json::Error>;
}

impl<P: Projection> ErasedSlot for Slot<P> {
    fn info(&self) -> &'static ProjectionInfo {
        P::INFO
    }

    fn projection_id(&self) -> TypeId {
        TypeId::of::<P>()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<P>()
    }

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn log(&self) -> Option<&'static str> {
        self.log
    }

    fn guarded(&self) -> bool {
        self.guarded
    }

    fn revision(&self) -> Position {
        self.revision
    }

    fn set_revision(&mut self, revision: Position) {
        self.revision = revision;
    }

    fn is_shared(&self) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| Arc::strong_count(state) > 1)
    }

    fn apply(&mut self, event: &RecordedEvent) -> Result<bool, DecodeError> {
        Arc::make_mut(self.state.get_or_insert_default()).apply(event)
    }

    fn save(&self) -> Arc<dyn Any + Send + Sync> {
        self.shared()
    }

    fn restore(&mut self, state: Arc<dyn Any + Send + Sync>, revision: Position) {
        if let Ok(state) = state.downcast::<P>() {
            self.state = Some(state);
            self.revision = revision;
        }
    }

    fn copy(&self) -> Box<dyn ErasedSlot> {
        Box::new(Self {
            subject: self.subject.clone(),
            state: self.state.clone(),
            ..*self
        })
    }

    fn encode(&self, to: &mut dyn io::Write) -> Result<(), serde_json::Error> {
        self.with(|state| serde_json::to_writer(to, state))
    }

    fn decode(&mut self, state: &[u8], revision: Position) -> Result<(), serde_json::Error> {
        self.state = Some(Arc::new(serde_json::from_slice(state)?));
        self.revision = revision;
        Ok(())
    }
}
