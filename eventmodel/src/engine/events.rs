//! Reading recorded events.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::StreamExt;

use super::app::Inner;
use crate::model::{Event, Stream};
use crate::record::{Position, RecordedEvent, Subject, SubjectError, SubjectPattern};
use crate::store::{Item, Read, StoreError};

/// Which recorded events to read.
///
/// ```
/// use eventmodel::record::SubjectPattern;
/// use eventmodel::{EventQuery, Position};
///
/// let december_12 = EventQuery::new()
///     .matching(SubjectPattern::new("booking.*.2022-12-12").unwrap())
///     .after(Position::new(100))
///     .limit(50);
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    log: Option<Arc<str>>,
    subjects: Vec<SubjectPattern>,
    types: Vec<&'static str>,
    after: Position,
    limit: Option<usize>,
    live: bool,
}

impl EventQuery {
    /// All events of the model's log. A model with several logs reads the one that has its name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads another log.
    #[must_use]
    pub fn log(mut self, name: impl Into<Arc<str>>) -> Self {
        self.log = Some(name.into());
        self
    }

    /// Only the events of this stream instance, in its log. Each further call adds an instance.
    ///
    /// # Errors
    /// [`SubjectError`] if the key is too long.
    pub fn of<S: Stream>(mut self, key: &S) -> Result<Self, SubjectError> {
        self.subjects.push(SubjectPattern::from(&key.subject()?));
        self.log = self.log.or_else(|| S::INFO.log.map(Arc::from));
        Ok(self)
    }

    /// Only the events on this subject.
    #[must_use]
    pub fn subject(self, subject: &Subject) -> Self {
        self.matching(subject.into())
    }

    /// Only the events on a subject that fits this pattern. Each further call adds a pattern.
    #[must_use]
    pub fn matching(mut self, pattern: SubjectPattern) -> Self {
        self.subjects.push(pattern);
        self
    }

    /// Only the events of this type. Each further call adds a type.
    #[must_use]
    pub fn event<E: Event>(mut self) -> Self {
        self.types.push(E::INFO.event_type);
        self
    }

    /// Only the events after this position.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// At most this many events.
    #[must_use]
    pub fn limit(mut self, events: usize) -> Self {
        self.limit = Some(events);
        self
    }

    /// Waits at the end of the log for further events, instead of ending there.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

pub(super) fn read(
    app: &Inner,
    query: EventQuery,
) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
    let EventQuery {
        log,
        subjects,
        types,
        after,
        limit,
        live,
    } = query;
    let log = log.unwrap_or_else(|| app.default_log().clone());
    let stop = app.stop.clone();
    let events = app
        .store
        .read(Read::new(log).after(after).subjects(subjects).follow(live))
        .map(|item| item.and_then(Item::event))
        .filter(move |event| {
            let wanted = match event {
                Ok(event) => types.is_empty() || types.contains(&event.event_type()),
                Err(_) => true,
            };
            std::future::ready(wanted)
        })
        .take(limit.unwrap_or(usize::MAX));
    // Recorded events can be read even after the app has stopped; only the wait for more ends then.
    if live {
        events.take_until(stop.cancelled_owned()).boxed()
    } else {
        events.boxed()
    }
}
