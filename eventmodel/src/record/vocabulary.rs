use std::collections::HashSet;

use super::recorded::{DecodeError, DecodeReason, RecordedEvent};
use super::subject::{Subject, SubjectPattern};

/// The events that a model knows. With it a reader notices an unknown event instead of skipping it.
#[derive(Debug)]
pub struct Vocabulary {
    event_types: HashSet<&'static str>,
    subjects: Vec<SubjectPattern>,
}

impl Vocabulary {
    /// The event types, and the subjects of the streams, of a model.
    pub(crate) fn new(
        event_types: impl IntoIterator<Item = &'static str>,
        subjects: impl IntoIterator<Item = SubjectPattern>,
    ) -> Self {
        Self {
            event_types: event_types.into_iter().collect(),
            subjects: subjects.into_iter().collect(),
        }
    }

    /// Accepts an event whose type the model knows, or which is on no stream of the model: another model may share the
    /// log.
    ///
    /// # Errors
    /// [`DecodeError`] if the event is on a stream of the model and has a type that the model does not know.
    pub fn check(&self, event: &RecordedEvent) -> Result<(), DecodeError> {
        if self.event_types.contains(event.event_type()) {
            return Ok(());
        }
        let mut subjects = event.metadata().subjects.iter();
        if subjects.any(|subject| self.has_stream_of(subject)) {
            return Err(event.decode_error(DecodeReason::UnknownType));
        }
        Ok(())
    }

    /// Whether the model has a stream with this subject.
    pub fn has_stream_of(&self, subject: &Subject) -> bool {
        self.subjects.iter().any(|pattern| pattern.matches(subject))
    }
}
