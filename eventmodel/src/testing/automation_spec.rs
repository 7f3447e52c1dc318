//! Given an event, then commands: the spec of an automation.

use std::fmt;

use jiff::Timestamp;
use tokio::runtime::{Builder, Handle};

use super::given::{History, IntoGiven};
use super::report::{self, Failure};
use crate::model::{Automation, Commands, IntoCommands, ReactError, Reaction};
use crate::record::RecordedEvent;

/// Starts the spec of an automation.
///
/// ```
/// # use eventmodel::{Command, Decide, Decision, Event, Stream, automation, emit};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// # #[stream(subject = "room.{room}")]
/// # struct Room { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct RoomBooked { room: u32 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # #[event(stream = Room)]
/// # struct CleaningScheduled { room: u32 }
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[command(emits(CleaningScheduled))]
/// # struct ScheduleCleaning { room: u32 }
/// # impl Decide for ScheduleCleaning {
/// #     fn decide(&self, (): &()) -> Decision<Self> { emit(CleaningScheduled { room: self.room }) }
/// # }
/// # #[derive(Default)]
/// # struct CleaningBot;
/// # #[automation]
/// # impl CleaningBot {
/// #     async fn room_booked(&self, event: &RoomBooked) -> Option<ScheduleCleaning> {
/// #         Some(ScheduleCleaning { room: event.room })
/// #     }
/// # }
/// use eventmodel::testing::automation_spec;
///
/// automation_spec::<CleaningBot>()
///     .given(RoomBooked { room: 1 })
///     .then(ScheduleCleaning { room: 1 });
/// ```
pub fn automation_spec<A: Automation + Default>() -> AutomationSpec<A> {
    automation_spec_with(A::default())
}

/// Starts the spec of an automation that was made before, with what it needs.
pub fn automation_spec_with<A: Automation>(automation: A) -> AutomationSpec<A> {
    AutomationSpec {
        automation,
        history: History::new(),
    }
}

/// The spec of an automation: given some events, then it issues these commands. Made by [`automation_spec`].
///
/// It also checks that every event survives its codec and is one that the automation handles. Commands are compared
/// by their names and their bodies, as JSON. A handler may wait: there is a runtime for it. There is no app: a handler
/// that takes `&App` is tested with an app on a memory store.
///
/// # Panics
/// If something is not as expected, at the line of the spec, with what was given and a diff.
#[must_use = "a spec without a Then tests nothing: end it with `.then(commands)` or `.then_nothing()`"]
pub struct AutomationSpec<A> {
    automation: A,
    history: History,
}

impl<A: Automation> AutomationSpec<A> {
    /// These events have happened, in this order: one event, an `Option`, a `Vec`, an array, or a tuple of these. The
    /// automation reacts to each of them.
    ///
    /// # Panics
    /// If the automation does not handle an event, or it cannot be recorded, or would not be read back as it is.
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

    /// Then it issues these commands, in this order, and no others: a command, an `Option`, a `Vec`, an array, or a
    /// tuple of these.
    ///
    /// # Panics
    /// If it does not, or a handler fails.
    #[track_caller]
    pub fn then(self, commands: impl IntoCommands) {
        let mut expected = Commands::default();
        let added = commands.append_to(&mut expected);
        report::or_raise(
            added.map_err(|error| self.failure(&format!("the Then is an error: {error}"))),
        );
        let expected = report::or_raise(self.describe(&expected));
        let issued = report::or_raise(self.react());
        let issued = report::or_raise(self.describe(&issued));
        if expected != issued {
            self.failure("it does not issue the commands that are expected")
                .diff("then", &expected, &issued)
                .raise();
        }
    }

    /// Then it issues no command.
    ///
    /// # Panics
    /// If it does, or a handler fails.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then(());
    }

    /// Then a handler fails with this text. (In an app, the event is tried again, and parked in the end.)
    ///
    /// # Panics
    /// If no handler fails, or one does with another text.
    #[track_caller]
    pub fn then_fails(self, error: &str) {
        let actual = match run(self.react_to_all()) {
            Err((_, ReactError::Handler(error))) => format!("fails: {error}"),
            Err((event, error)) => self.failed(&event, &error).raise(),
            Ok(commands) => report::or_raise(self.describe(&commands)),
        };
        let expected = format!("fails: {error}");
        if expected != actual {
            self.failure("it does not fail as is expected")
                .diff("then", &expected, &actual)
                .raise();
        }
    }

    fn has_effect(&self, event: &RecordedEvent) -> Result<(), Failure> {
        if A::INFO.handles(event.event_type()) {
            return Ok(());
        }
        let title = format!(
            "this Given has no effect: the automation does not handle it\n  {}",
            report::line(event)
        );
        let handled = A::INFO.handlers.iter().map(|h| h.event.event_type);
        let handled: Vec<_> = handled.collect();
        Err(self
            .failure(&title)
            .section("it handles", &handled.join("\n")))
    }

    fn react(&self) -> Result<Commands, Failure> {
        run(self.react_to_all()).map_err(|(event, error)| self.failed(&event, &error))
    }

    async fn react_to_all(&self) -> Result<Commands, (RecordedEvent, ReactError)> {
        let mut issued = Commands::default();
        for event in self.history.events() {
            let context = Reaction {
                metadata: event.metadata().clone(),
                app: None,
            };
            let commands = self.automation.react(event, &context).await;
            let commands = commands.map_err(|error| (event.clone(), error))?;
            issued.0.extend(commands.0);
        }
        Ok(issued)
    }

    fn failed(&self, event: &RecordedEvent, error: &ReactError) -> Failure {
        self.failure(&error.to_string())
            .section("at", &report::line(event))
    }

    /// The commands, for a person to read.
    fn describe(&self, commands: &Commands) -> Result<String, Failure> {
        let mut all = Vec::new();
        for command in &commands.0 {
            let name = command.info().ty.name;
            let body = command.body().map_err(|error| {
                self.failure(&format!(
                    "the command {name} cannot be written as JSON: {error}"
                ))
            })?;
            all.push(format!("{name}\n{}", report::pretty(body)));
        }
        Ok(match &*all {
            [] => "nothing".into(),
            some => some.join("\n"),
        })
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("{}: {what}", A::INFO.ty.name))
            .section("given", &self.history.describe())
    }
}

/// Runs a future to its end, inside a runtime or outside.
fn run<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let block_on = || {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime of one thread").block_on(future)
    };
    if Handle::try_current().is_err() {
        return block_on();
    }
    // A runtime cannot be started inside another one on the same thread.
    let ran = std::thread::scope(|scope| scope.spawn(block_on).join());
    ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl<A: Automation> fmt::Debug for AutomationSpec<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutomationSpec")
            .field("automation", &A::INFO.ty.name)
            .field("history", &self.history)
            .finish()
    }
}
