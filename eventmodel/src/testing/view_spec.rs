//! Given, then: the spec of a view.

// A spec reads as a sentence, so keys and values are written as they are, and not borrowed.
#![allow(clippy::needless_pass_by_value)]

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;

use super::given::{History, IntoGiven};
use super::report::{self, Failure};
use super::scene::snapshots;
use crate::model::{Key, Projection};
use crate::record::{DecodeError, RecordedEvent};

/// Starts the spec of a view.
///
/// ```
/// # use eventmodel::{Event, Stream, projection};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "room.{room}")]
/// # struct Room { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct RoomBooked { room: u32, client: u32 }
/// # #[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct Bookings { nights: u32 }
/// # #[projection(key(client: u32))]
/// # impl Bookings {
/// #     fn booked(&mut self, _: &RoomBooked) { self.nights += 1; }
/// # }
/// use eventmodel::testing::view_spec;
///
/// view_spec::<Bookings>()
///     .given([RoomBooked { room: 1, client: 7 }, RoomBooked { room: 2, client: 7 }])
///     .then(7, Bookings { nights: 2 })
///     .then_nothing(8);
/// ```
pub fn view_spec<P: Projection>() -> ViewSpec<P> {
    ViewSpec {
        history: History::new(),
        view: PhantomData,
    }
}

/// The spec of a view: given some events, then this is what it shows. Made by [`view_spec`].
///
/// It also checks that every event reads back as the event it is and is one that the view handles, that keys can be
/// written and read, and that the view shows the same when it was restored from a snapshot that was taken after any of
/// the events.
///
/// # Panics
/// If something is not as expected, at the line of the spec, with what was given and a diff.
#[must_use = "a spec without a Then tests nothing: end it with `.then(key, value)` or `.then_nothing(key)`"]
pub struct ViewSpec<P> {
    history: History,
    view: PhantomData<fn() -> P>,
}

/// The spec of a view that has a Then. More can follow, and more can be given.
pub struct ViewThen<P>(ViewSpec<P>);

impl<P: Projection> ViewSpec<P> {
    /// These events have happened, in this order: one event, an `Option`, a `Vec`, an array, or a tuple of these. It
    /// can be repeated.
    ///
    /// # Panics
    /// If the view does not handle an event, or it cannot be recorded, or would not be read back as it is.
    #[track_caller]
    pub fn given(mut self, events: impl IntoGiven) -> Self {
        let new = self.history.add(events);
        for given in &self.history.given[new] {
            report::or_raise(self.has_effect(&given.event));
        }
        self
    }

    /// It is now this time: of the events that are given from here on.
    pub fn at(mut self, time: impl Into<Timestamp>) -> Self {
        self.history.at(time.into());
        self
    }

    /// Then the view shows this under this key.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn then(self, key: P::Key, value: P) -> ViewThen<P>
    where
        P: PartialEq + fmt::Debug,
    {
        report::or_raise(self.shows(&key, &value));
        ViewThen(self)
    }

    /// Then the view shows nothing under this key: no event was for it.
    ///
    /// # Panics
    /// If it does.
    #[track_caller]
    pub fn then_nothing(self, key: P::Key) -> ViewThen<P>
    where
        P: fmt::Debug,
    {
        report::or_raise(self.shows_nothing(&key));
        ViewThen(self)
    }

    fn has_effect(&self, event: &RecordedEvent) -> Result<(), Failure> {
        let title = match P::key_of(event) {
            Ok(Some(key)) => return self.key_survives(&key),
            Ok(None) => format!(
                "this Given has no effect: the view does not handle it\n  {}",
                report::line(event)
            ),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let handled = P::INFO.handlers.iter().map(|h| h.event.event_type);
        let handled: Vec<_> = handled.collect();
        Err(self
            .failure(&title)
            .section("it handles", &handled.join("\n")))
    }

    fn key_survives(&self, key: &P::Key) -> Result<(), Failure> {
        let text = key.to_text();
        match P::Key::from_text(&text) {
            Ok(read) if read == *key => Ok(()),
            Ok(read) => Err(self.failure(&format!(
                "the key {key:?} is written as `{text}`, and read as {read:?}"
            ))),
            Err(error) => Err(self.failure(&format!(
                "the key {key:?} is written as `{text}`, and cannot be read: {error}"
            ))),
        }
    }

    fn shows(&self, key: &P::Key, value: &P) -> Result<(), Failure>
    where
        P: PartialEq + fmt::Debug,
    {
        self.key_survives(key)?;
        let events = self.events_of(key)?;
        let expected = format!("{value:#?}");
        if events.is_empty() {
            return Err(self.mismatch(key, &expected, "nothing"));
        }
        let mut shown = P::default();
        self.fold(&mut shown, &events)?;
        if shown != *value {
            return Err(self.mismatch(key, &expected, &format!("{shown:#?}")));
        }
        let (mut so_far, mut folded) = (P::default(), 0);
        for taken_after in snapshots(events.len()) {
            self.fold(&mut so_far, &events[folded..taken_after])?;
            folded = taken_after;
            let restored = self.restored(&so_far, &events[taken_after..], taken_after)?;
            self.same_after_snapshot(value, &restored, taken_after)?;
        }
        Ok(())
    }

    fn shows_nothing(&self, key: &P::Key) -> Result<(), Failure>
    where
        P: fmt::Debug,
    {
        self.key_survives(key)?;
        let events = self.events_of(key)?;
        if events.is_empty() {
            return Ok(());
        }
        let mut state = P::default();
        self.fold(&mut state, &events)?;
        Err(self.mismatch(key, "nothing", &format!("{state:#?}")))
    }

    /// The given events that are for this key.
    fn events_of(&self, key: &P::Key) -> Result<Vec<&RecordedEvent>, Failure> {
        let mut events = Vec::new();
        for event in self.history.events() {
            if P::key_of(event).map_err(|e| self.unreadable(&e))?.as_ref() == Some(key) {
                events.push(event);
            }
        }
        Ok(events)
    }

    fn fold(&self, state: &mut P, events: &[&RecordedEvent]) -> Result<(), Failure> {
        for event in events {
            state.apply(event).map_err(|e| self.unreadable(&e))?;
        }
        Ok(())
    }

    /// What is shown if the state was written after some events, read, and the others were folded then.
    fn restored(&self, state: &P, then: &[&RecordedEvent], after: usize) -> Result<P, Failure> {
        let mut restored: P = serde_json::to_vec(state)
            .and_then(|written| serde_json::from_slice(&written))
            .map_err(|error| {
                self.failure(&format!(
                    "it cannot be written and read as JSON, as a snapshot is, {}: {error}",
                    after_event(after)
                ))
            })?;
        self.fold(&mut restored, then)?;
        Ok(restored)
    }

    fn same_after_snapshot(&self, shown: &P, restored: &P, after: usize) -> Result<(), Failure>
    where
        P: PartialEq + fmt::Debug,
    {
        if shown == restored {
            return Ok(());
        }
        let title = format!(
            "it shows something else when it was restored from a snapshot taken {}. Does it skip a field \
             (`#[serde(skip)]`)?",
            after_event(after)
        );
        let heading = "shown (-), and shown after the snapshot (+)";
        let diff = report::diff(&format!("{shown:#?}"), &format!("{restored:#?}"));
        Err(self.failure(&title).section(heading, &diff))
    }

    fn mismatch(&self, key: &P::Key, expected: &str, actual: &str) -> Failure {
        let failure = self.failure("it does not show what is expected");
        let failure = if expected == actual {
            failure.section("note", "both look alike, and are not equal by `PartialEq`")
        } else {
            failure
        };
        let failure = failure.diff(&format!("then, at {key:?}"), expected, actual);
        let keys = self.history.events().filter_map(|e| P::key_of(e).ok()?);
        let others: BTreeSet<_> = keys.map(|key| format!("{key:?}")).collect();
        let others: Vec<_> = others.into_iter().take(10).collect();
        match &*others {
            [] => failure,
            some => failure.section("it shows something at", &some.join("\n")),
        }
    }

    fn unreadable(&self, error: &DecodeError) -> Failure {
        self.failure(&error.to_string())
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("{}: {what}", P::INFO.ty.name))
            .section("given", &self.history.describe())
    }
}

fn after_event(n: usize) -> String {
    match n {
        0 => "before its first event".into(),
        n => format!("after its event {n}"),
    }
}

// The last Then of a spec is followed by nothing.
#[allow(clippy::return_self_not_must_use)]
impl<P: Projection> ViewThen<P> {
    /// And shows this under this key.
    ///
    /// # Panics
    /// As [`ViewSpec::then`].
    #[track_caller]
    pub fn then(self, key: P::Key, value: P) -> Self
    where
        P: PartialEq + fmt::Debug,
    {
        self.0.then(key, value)
    }

    /// And shows nothing under this key.
    ///
    /// # Panics
    /// As [`ViewSpec::then_nothing`].
    #[track_caller]
    pub fn then_nothing(self, key: P::Key) -> Self
    where
        P: fmt::Debug,
    {
        self.0.then_nothing(key)
    }

    /// And then this happens.
    ///
    /// # Panics
    /// As [`ViewSpec::given`].
    #[track_caller]
    pub fn given(self, events: impl IntoGiven) -> ViewSpec<P> {
        self.0.given(events)
    }

    /// And then it is this time.
    pub fn at(self, time: impl Into<Timestamp>) -> ViewSpec<P> {
        self.0.at(time)
    }
}

impl<P: Projection> fmt::Debug for ViewSpec<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewSpec")
            .field("view", &P::INFO.ty.name)
            .field("history", &self.history)
            .finish()
    }
}

impl<P: Projection> fmt::Debug for ViewThen<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ViewThen").field(&self.0).finish()
    }
}
