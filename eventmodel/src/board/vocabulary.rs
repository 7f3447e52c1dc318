use std::collections::HashSet;

use super::event_model::EventModel;
use crate::board::entries;
use crate::record::{DecodeError, DecodeReason, RecordedEvent, SubjectPattern};

/// The events that a model knows, so that one it does not know is noticed and never skipped.
#[derive(Debug)]
pub struct Vocabulary {
    event_types: HashSet<&'static str>,
    subjects: Vec<SubjectPattern>,
}

impl Vocabulary {
    /// Of the events and streams of this model.
    pub fn of(model: &EventModel) -> Self {
        Self {
            event_types: entries::events(model)
                .iter()
                .map(|event| event.event_type)
                .collect(),
            subjects: entries::streams(model)
                .iter()
                .map(|s| s.template.pattern())
                .collect(),
        }
    }

    /// Fine if the model knows the type of the event, or none of its streams: another model may share the log.
    ///
    /// # Errors
    /// [`DecodeError`] if the event is on a stream of the model and of a type that the model does not know.
    pub fn check(&self, event: &RecordedEvent) -> Result<(), DecodeError> {
        if self.event_types.contains(event.event_type()) {
            return Ok(());
        }
        let subjects = &event.metadata().subjects;
        if self
            .subjects
            .iter()
            .any(|pattern| subjects.iter().any(|s| pattern.matches(s)))
        {
            return Err(event.decode_error(DecodeReason::UnknownType));
        }
        Ok(())
    }
}
