//! What has happened before: the events of a Given, recorded as an app would record them.

use std::fmt;
use std::panic::Location;

use jiff::Timestamp;

use super::report::{self, Failure};
use crate::model::{EmittedEvent, Event, Recordable};
use crate::record::{CommandId, CommandRef, Metadata, NewEvent, Position, RecordedEvent};

/// The time of a spec that does not say `at`: the start of the year 2000.
const DEFAULT_TIME: Timestamp = Timestamp::constant(946_684_800, 0);

/// How many events of a long Given a failure shows: the first and the last ones.
const MAX_SHOWN: usize = 40;

/// What `given` takes: one event, an `Option`, a `Vec`, an array, a tuple of these, or `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given",
    label = "not an event",
    note = "give one event, an `Option`, a `Vec`, an array or a tuple of events"
)]
pub trait IntoGiven {
    /// Adds the events.
    fn append_to(self, given: &mut GivenEvents);
}

/// The events of a Given, in their order.
#[derive(Default)]
pub struct GivenEvents(Vec<EmittedEvent>);

impl GivenEvents {
    /// Adds an event.
    pub fn push<E: Event>(&mut self, event: &E) {
        self.0.push(EmittedEvent::new(event));
    }
}

impl fmt::Debug for GivenEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<E: Event> IntoGiven for E {
    fn append_to(self, given: &mut GivenEvents) {
        given.push(&self);
    }
}

impl<I: IntoGiven> IntoGiven for Option<I> {
    fn append_to(self, given: &mut GivenEvents) {
        if let Some(inner) = self {
            inner.append_to(given);
        }
    }
}

impl<I: IntoGiven> IntoGiven for Vec<I> {
    fn append_to(self, given: &mut GivenEvents) {
        for inner in self {
            inner.append_to(given);
        }
    }
}

impl<I: IntoGiven, const N: usize> IntoGiven for [I; N] {
    fn append_to(self, given: &mut GivenEvents) {
        for inner in self {
            inner.append_to(given);
        }
    }
}

impl IntoGiven for () {
    fn append_to(self, _: &mut GivenEvents) {}
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: IntoGiven),*> IntoGiven for ($($name,)*) {
            fn append_to(self, given: &mut GivenEvents) {
                $(self.$index.append_to(given);)*
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

/// What has happened so far, and what time it is.
#[derive(Debug)]
pub(super) struct History {
    pub(super) given: Vec<Given>,
    pub(super) now: Timestamp,
    /// Whether the spec says what time it is.
    timed: bool,
}

/// A recorded event of a Given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) event: RecordedEvent,
    /// The line of the spec.
    pub(super) at: &'static Location<'static>,
    timed: bool,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            given: Vec::new(),
            now: DEFAULT_TIME,
            timed: false,
        }
    }

    pub(super) fn at(&mut self, time: Timestamp) {
        self.now = time;
        self.timed = true;
    }

    /// Records events; the indices of the new ones.
    #[track_caller]
    pub(super) fn add(&mut self, events: impl IntoGiven) -> std::ops::Range<usize> {
        let at = Location::caller();
        let mut new = GivenEvents::default();
        events.append_to(&mut new);
        let first = self.given.len();
        for event in new.0 {
            let recorded = record(event, self.given.len() as u64 + 1, self.now, "given");
            self.given.push(Given {
                event: report::or_raise(recorded),
                at,
                timed: self.timed,
            });
        }
        first..self.given.len()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.given.iter().map(|given| &given.event)
    }

    /// What was given, for a person to read.
    pub(super) fn describe(&self) -> String {
        if self.given.is_empty() {
            return "nothing".into();
        }
        let line = |given: &Given| {
            let event = report::line(&given.event);
            if given.timed {
                format!("at {} {event}", given.event.metadata().time)
            } else {
                event
            }
        };
        let mut lines: Vec<_> = self.given.iter().map(line).collect();
        if lines.len() > MAX_SHOWN {
            let left_out = lines.len() - MAX_SHOWN;
            let middle = MAX_SHOWN / 2..MAX_SHOWN / 2 + left_out;
            lines.splice(middle, [format!("… and {left_out} more, then")]);
        }
        lines.join("\n")
    }
}

/// The event as it would be recorded, if it can be.
pub(super) fn record(
    event: EmittedEvent,
    position: u64,
    time: Timestamp,
    by: &str,
) -> Result<RecordedEvent, Failure> {
    let name = event.info.event_type;
    let unrecordable =
        |error: &dyn fmt::Display| Failure::new(format!("{name} cannot be recorded: {error}"));
    let Recordable { subjects, payload } =
        event.recordable.map_err(|error| unrecordable(&error))?;
    let id = CommandId::new(&format!("{by}-{position}")).map_err(|error| unrecordable(&error))?;
    let metadata = Metadata {
        position: Position::START,
        subjects,
        id: id.event(0),
        event_type: name.into(),
        version: event.info.version,
        time,
        source: "spec".into(),
        content_type: event.content_type.into(),
        correlation_id: id.as_str().into(),
        causation_id: None,
        traceparent: None,
        command: CommandRef {
            id,
            name: by.into(),
            fingerprint: None,
            events: 1,
        },
    };
    let new = NewEvent::new(metadata, payload.bytes).read_back(payload.decoded);
    Ok(RecordedEvent::new(new, Position::new(position)))
}
