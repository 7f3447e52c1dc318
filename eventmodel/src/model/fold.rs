//! The fold of a view, with the type of its projection erased.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;

use super::key::{Key, KeyError, KeyWriter};
use super::projection::{Projection, ProjectionInfo};
use crate::record::{Codec, CodecError, DecodeError, Json, RecordedEvent};

/// The fold of one instance of a view, with its type erased.
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

/// How a view folds, with its type erased.
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
    /// [`KeyError`] if the parts are not those of a key of this view.
    fn parse_key(&self, parts: &[&str]) -> Result<String, KeyError>;

    /// The text of the first parts of a key, from their plain text.
    ///
    /// # Errors
    /// [`KeyError`] if no key begins with them.
    fn parse_prefix(&self, parts: &[&str]) -> Result<String, KeyError>;
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

    fn parse_key(&self, parts: &[&str]) -> Result<String, KeyError> {
        Ok(P::Key::from_text(&text_of(parts))?.to_text())
    }

    fn parse_prefix(&self, parts: &[&str]) -> Result<String, KeyError> {
        let text = text_of(parts);
        match P::Key::from_text(&text) {
            // All that is there fits, and more is needed.
            Err(KeyError::Length { .. }) if parts.len() < P::Key::LEN => Ok(text),
            Err(error) => Err(error),
            Ok(key) => Ok(key.to_text()),
        }
    }
}

fn text_of(parts: &[&str]) -> String {
    let mut text = KeyWriter::default();
    for part in parts {
        text.token(&(*part).to_owned());
    }
    text.as_str().to_owned()
}

/// The value of an erased state, if it is a `P`.
pub(crate) fn value_of<P: Projection>(state: &dyn ViewState) -> Option<&P> {
    (state as &dyn Any)
        .downcast_ref::<Folded<P>>()
        .map(|folded| &folded.0)
}
