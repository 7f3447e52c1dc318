//! Given, when, then: the spec of a command.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;

use super::given::{History, IntoGiven};
use super::report::{self, Failure};
use super::scene::Scene;
use crate::model::{Command, Decide, Decision, Events, IntoEvents};

/// Starts the spec of a command.
///
/// ```
/// # use eventmodel::{Command, Decide, Decision, Event, Rejection, Stream, emit, projection, reject};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "room.{room}")]
/// # struct Room { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct RoomBooked { room: u32, client: u32 }
/// # #[derive(Default, Serialize, Deserialize, Clone)]
/// # struct RoomDay { booked: bool }
/// # #[projection(key = Room)]
/// # impl RoomDay {
/// #     fn booked(&mut self, _: &RoomBooked) { self.booked = true; }
/// # }
/// # #[derive(Rejection, Serialize, Debug, PartialEq, thiserror::Error)]
/// # enum BookingRejection {
/// #     #[error("room {room} is booked already")]
/// #     AlreadyBooked { room: u32 },
/// # }
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(state = RoomDay, emits(RoomBooked), rejects = BookingRejection)]
/// # struct BookRoom { room: u32, client: u32 }
/// # impl Decide for BookRoom {
/// #     fn decide(&self, day: &RoomDay) -> Decision<Self> {
/// #         if day.booked {
/// #             return reject(BookingRejection::AlreadyBooked { room: self.room });
/// #         }
/// #         emit(RoomBooked { room: self.room, client: self.client })
/// #     }
/// # }
/// use eventmodel::testing::spec;
///
/// // #[test]
/// fn a_free_room_is_booked() {
///     spec::<BookRoom>()
///         .when(BookRoom { room: 1, client: 7 })
///         .emits(RoomBooked { room: 1, client: 7 });
/// }
///
/// // #[test]
/// fn a_room_is_booked_once() {
///     spec::<BookRoom>()
///         .given(RoomBooked { room: 1, client: 7 })
///         .when(BookRoom { room: 1, client: 8 })
///         .rejects(BookingRejection::AlreadyBooked { room: 1 });
/// }
/// # a_free_room_is_booked();
/// # a_room_is_booked_once();
/// ```
///
/// Without a Given nothing has happened before.
pub fn spec<C: Decide>() -> Spec<C> {
    Spec {
        history: History::new(),
        when: NoWhen(()),
        command: PhantomData,
    }
}

/// The spec of a command: given some events, when the command is executed, then … Made by [`spec`].
///
/// It needs no store, no runtime and no server. Whatever is expected, it also checks that
/// - every event, given or emitted, reads back as the event it is ([`EncodeError`](crate::model::EncodeError)), and those
///   emitted can be folded by the states of the command;
/// - the decision is the same when it is asked again, and when its state was restored from a snapshot that was taken
///   after any of the events;
/// - the command survives JSON;
/// - every event that is given has an effect: a state of the command handles it, on an instance that the command reads.
///
/// Events are compared as they are read back after they were recorded: type, subjects, and value. Values are compared
/// by `PartialEq`; those of a type without it by what serde writes of them, whatever the order of sets and maps.
///
/// # Panics
/// If something is not as expected, at the line of the Then, with what was given and a diff.
#[must_use = "a spec without a Then tests nothing: end it with `.emits(..)`, `.rejects(..)`, `.changes_nothing()` or `.invalid(..)`"]
pub struct Spec<C, W = NoWhen> {
    history: History,
    when: W,
    command: PhantomData<fn(C)>,
}

/// A spec that has no When yet.
pub struct NoWhen(());

/// The When of a spec.
pub struct When<C>(C);

/// A spec that has a When.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this spec has no When",
    label = "a Then without a When",
    note = "write `.when(command)` before it: `spec::<{C}>().given(..).when({C} {{ .. }}).emits(..)`"
)]
pub trait HasWhen<C>: sealed::Sealed {
    fn command(&self) -> &C;
}

impl<C> HasWhen<C> for When<C> {
    fn command(&self) -> &C {
        &self.0
    }
}

mod sealed {
    pub trait Sealed {}
    impl<C> Sealed for super::When<C> {}
}

impl<C: Decide> Spec<C> {
    /// These events have happened, in this order: one event, an `Option`, a `Vec`, an array, or a tuple of these, of
    /// any stream that the command reads. It can be repeated.
    ///
    /// # Panics
    /// If an event cannot be recorded, or would not be read back as it is.
    #[track_caller]
    pub fn given(mut self, events: impl IntoGiven) -> Self {
        self.history.add(events);
        self
    }

    /// It is now this time: of the events that are given from here on, and of the decision
    /// ([`Now`](crate::Now)). The start of the year 2000, if no spec says otherwise.
    ///
    /// ```
    /// # use eventmodel::{Command, Decide, Decision, Event, Now, Stream, emit};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
    /// # #[stream(subject = "room.{room}")]
    /// # struct Room { room: u32 }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # #[event(stream = Room)]
    /// # struct Seen { room: u32, on: jiff::Timestamp }
    /// # #[derive(Command, Serialize, Deserialize)]
    /// # #[command(state = Now, emits(Seen))]
    /// # struct See { room: u32 }
    /// # impl Decide for See {
    /// #     fn decide(&self, now: &Now) -> Decision<Self> { emit(Seen { room: self.room, on: now.0 }) }
    /// # }
    /// use eventmodel::testing::spec;
    ///
    /// let noon: jiff::Timestamp = "2022-12-12T12:00:00Z".parse().unwrap();
    /// spec::<See>().at(noon).when(See { room: 1 }).emits(Seen { room: 1, on: noon });
    /// ```
    pub fn at(mut self, time: impl Into<Timestamp>) -> Self {
        self.history.at(time.into());
        self
    }

    /// The command is executed.
    pub fn when(self, command: C) -> Spec<C, When<C>> {
        Spec {
            history: self.history,
            when: When(command),
            command: PhantomData,
        }
    }
}

impl<C: Decide, W> Spec<C, W> {
    /// Then it emits these events, in this order, and no others.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn emits(self, events: impl IntoEvents<C>)
    where
        W: HasWhen<C>,
    {
        self.then(&Ok(Events::new().and(events)));
    }

    /// Then it is refused for this reason.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn rejects(self, rejection: C::Rejection)
    where
        W: HasWhen<C>,
        C::Rejection: PartialEq,
    {
        let scene = self.scene();
        let decided = report::or_raise(scene.decide());
        let is_expected = decided.as_ref().err() == Some(&rejection);
        if !is_expected {
            report::or_raise(scene.compare(&Err(rejection), &decided));
            let title =
                "the rejection is another one by `PartialEq`, though both are written alike";
            scene.failure(title).raise();
        }
        report::or_raise(scene.check(decided));
    }

    /// Then it is accepted, and emits nothing.
    ///
    /// # Panics
    /// If it does anything else.
    #[track_caller]
    pub fn changes_nothing(self)
    where
        W: HasWhen<C>,
    {
        self.then(&Ok(Events::new()));
    }

    /// Then it is invalid whatever has happened: [`Command::validate`] finds something at each of these fields, and
    /// nothing else. Paths have dots between their parts; that of the command itself is empty.
    ///
    /// ```
    /// # use eventmodel::{Command, Decide, Decision, Violations, emit};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Command, Serialize, Deserialize)]
    /// # #[command(validate = Self::check)]
    /// # struct BookRoom { client: String }
    /// # impl BookRoom {
    /// #     fn check(&self) -> Result<(), Violations> {
    /// #         let mut violations = Violations::new();
    /// #         violations.check(!self.client.is_empty(), "client", "must not be empty");
    /// #         violations.into_result()
    /// #     }
    /// # }
    /// # impl Decide for BookRoom {
    /// #     fn decide(&self, (): &()) -> Decision<Self> { emit(()) }
    /// # }
    /// use eventmodel::testing::spec;
    ///
    /// spec::<BookRoom>().when(BookRoom { client: String::new() }).invalid(["client"]);
    /// ```
    ///
    /// # Panics
    /// If something else is wrong with it, or nothing.
    #[track_caller]
    pub fn invalid(self, paths: impl IntoIterator<Item = impl AsRef<str>>)
    where
        W: HasWhen<C>,
    {
        let scene = self.scene();
        let mut expected: Vec<String> = paths.into_iter().map(|p| p.as_ref().to_owned()).collect();
        expected.sort();
        let violations = self.when.command().validate().err().unwrap_or_default();
        let mut found: Vec<_> = violations.iter().map(|v| v.path.join(".")).collect();
        found.sort();
        if found != expected {
            let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
            let title = "other fields of it are invalid than is expected";
            let all = match &*lines {
                [] => "none: the command is valid".into(),
                some => some.join("\n"),
            };
            scene
                .failure(title)
                .diff(
                    "then these are invalid",
                    &expected.join("\n"),
                    &found.join("\n"),
                )
                .section("violations", &all)
                .raise();
        }
    }

    #[track_caller]
    fn then(&self, expected: &Decision<C>)
    where
        W: HasWhen<C>,
    {
        let scene = self.scene();
        let decided = report::or_raise(scene.decide());
        report::or_raise(scene.compare(expected, &decided));
        report::or_raise(scene.check(decided));
    }

    fn scene(&self) -> Scene<'_, C>
    where
        W: HasWhen<C>,
    {
        Scene {
            command: self.when.command(),
            history: &self.history,
        }
    }
}

impl<C: Decide> Scene<'_, C> {
    fn compare(&self, expected: &Decision<C>, decided: &Decision<C>) -> Result<(), Failure> {
        if report::is_same(expected, decided) {
            return Ok(());
        }
        let (expected, decided) = (report::decision(expected), report::decision(decided));
        Err(self
            .failure("the decision is not what is expected")
            .diff("then", &expected, &decided))
    }
}

impl<C: Command, W> fmt::Debug for Spec<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("command", &C::INFO.ty.name)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NoWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoWhen")
    }
}

impl<C> fmt::Debug for When<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("When")
    }
}
