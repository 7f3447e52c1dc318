//! Handling one event: react, execute the commands, try again, give up.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::{Shared, Wait};
use crate::board::AutomationEntry;
use crate::engine::app::App;
use crate::engine::backoff::Backoff;
use crate::engine::error::{ExecuteError, Failure};
use crate::engine::options::ExecuteOptions;
use crate::model::{Commands, FromReaction, ReactError, Reaction};
use crate::record::{CommandId, DecodeError, Metadata, RecordedEvent};
use crate::store::{StoreError, ViewError};
use crate::trouble::{excerpt, limited, panics};

tokio::task_local! {
    /// The app as the reaction that runs in this task sees it.
    static REACTION: App;
}

/// The event that the caller reacts to, if the caller is a handler: it uses the `App` that it was given, or runs in the
/// task of the reaction with an `App` from elsewhere. A task that a handler has spawned with an `App` from elsewhere is
/// not recognized.
pub(in crate::engine) fn cause(app: &App) -> Option<Arc<Cause>> {
    let running = |reaction: &App| {
        let is_same = Arc::ptr_eq(&reaction.inner, &app.inner);
        reaction.cause.clone().filter(|_| is_same)
    };
    // Most callers are no handlers.
    let elsewhere = || REACTION.try_with(running).ok().flatten();
    app.cause.clone().or_else(elsewhere)
}

/// The longest wait for a hindrance that is no fault of the event.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The shortest such wait, because the handler asks again and again.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// The cause of the commands of a reaction, also of those that a handler executes by itself.
pub(in crate::engine) struct Cause {
    pub(in crate::engine) automation: &'static str,
    event: Metadata,
    /// Whether a command that the handler has executed met a hindrance.
    hindered: AtomicBool,
}

impl Cause {
    pub(in crate::engine) fn hindered(&self) {
        self.hindered.store(true, Ordering::Relaxed);
    }

    /// Completes the options with what they leave open.
    pub(in crate::engine) fn told(&self, mut options: ExecuteOptions) -> ExecuteOptions {
        let event = &self.event;
        let correlation = || event.correlation_id.clone();
        options.correlation_id.get_or_insert_with(correlation);
        let id = || event.id.as_str().into();
        options.causation_id.get_or_insert_with(id);
        let source = || self.automation.into();
        options.source.get_or_insert_with(source);
        options.traceparent = options.traceparent.or_else(|| event.traceparent.clone());
        options
    }
}

impl<'a> FromReaction<'a> for &'a App {
    fn from_reaction(context: &'a Reaction) -> Result<Self, ReactError> {
        let app = context.app.as_ref().and_then(|app| app.downcast_ref());
        app.ok_or(ReactError::NoApp)
    }
}

/// Why the automation gave up an event.
pub(super) struct GivenUp {
    pub(super) error: String,
    pub(super) attempts: u32,
    pub(super) since: Timestamp,
    /// If the event could not be parked: its wait, and the pause before the next attempt.
    pub(super) waits: Option<(Wait, Duration)>,
}

impl GivenUp {
    fn new(app: &App, error: String, attempts: u32) -> Self {
        Self {
            // The error may repeat its whole input.
            error: excerpt(error),
            attempts,
            since: (app.inner.options.clock)(),
            waits: None,
        }
    }

    /// The error of the handler could not be written.
    pub(super) fn panicked(app: &App, panic: &str) -> Self {
        Self::new(
            app,
            format!("the error of the handler panicked: {panic}"),
            1,
        )
    }

    /// The event was not tried.
    pub(super) fn unread(app: &App, error: &DecodeError) -> Self {
        Self::new(app, error.to_string(), 0)
    }
}

/// Whether another attempt makes sense.
enum Attempt {
    Again(String),
    /// For as long as it takes, because the event is not to blame.
    Wait(String),
    Never(String),
}

pub(super) async fn handle(
    app: &App,
    entry: &AutomationEntry,
    log: &str,
    event: &RecordedEvent,
    shared: &Arc<Shared>,
) -> Result<(), GivenUp> {
    let options = &app.inner.options;
    let (id, first) = (event.metadata().id.as_str(), options.automation_backoff);
    let mut backoff = Backoff::new(id, first, first.saturating_mul(100));
    let mut patience = Backoff::new(id, first.clamp(MIN_PAUSE, PATIENCE), PATIENCE);
    let (automation, position) = (entry.info().ty.name, event.position());
    let cause = Arc::new(Cause {
        automation,
        event: event.metadata().clone(),
        hindered: AtomicBool::new(false),
    });
    let app = app.because(cause);
    let mut waits: Option<Wait> = None;
    let mut attempts = 0;
    // After the reaction the same commands are repeated, because a handler need not decide the same twice.
    let mut commands: Option<Commands> = None;
    loop {
        let error = match attempt(&app, entry, log, event, &mut commands).await {
            Ok(()) => return Ok(()),
            Err(Attempt::Never(error)) => return Err(GivenUp::new(&app, error, attempts + 1)),
            Err(Attempt::Wait(error)) => {
                limited!(WARN, "an event waits", automation, %position, error);
                let now = || (options.clock)();
                let waits = waits.get_or_insert_with(|| Wait::new(shared, position, now()));
                waits.tell(error);
                patience.wait().await;
                continue;
            }
            Err(Attempt::Again(error)) => error,
        };
        attempts += 1;
        if attempts >= options.automation_attempts {
            return Err(GivenUp::new(&app, error, attempts));
        }
        limited!(WARN, "trying again", automation, %position, attempts, error);
        backoff.wait().await;
    }
}

async fn attempt(
    app: &App,
    entry: &AutomationEntry,
    log: &str,
    event: &RecordedEvent,
    commands: &mut Option<Commands>,
) -> Result<(), Attempt> {
    let commands = match commands {
        Some(commands) => commands,
        None => commands.insert(react(app, entry, event).await?),
    };
    let metadata = event.metadata();
    for (n, command) in commands.0.iter_mut().enumerate() {
        let name = entry.info().ty.name;
        // An event id is unique in its log only.
        let id = CommandId::derived(&[log, metadata.id.as_str(), name, &n.to_string()]);
        let options = ExecuteOptions::new().id(id);
        // A decision that panics must not end the task, or the event would be in hand for ever.
        let executed = AssertUnwindSafe(app.execute_erased(&mut **command, options)).catch_unwind();
        let executed = executed.await.map_err(|panic| {
            let (command, text) = (command.info().ty.name, panics::message(&*panic));
            Attempt::Again(format!("{command} panicked: {text}"))
        })?;
        match executed {
            // The domain has answered; it would answer the same again.
            Err(ExecuteError::Rejected(rejection)) => {
                let (automation, command) = (name, command.info().ty.name);
                limited!(
                    INFO,
                    "the command was rejected",
                    automation,
                    command,
                    code = rejection.code
                );
            }
            // The used id follows from this event, so this automation used it before a restart.
            Ok(_) | Err(ExecuteError::IdReused { .. }) => {}
            Err(error) => return Err(failed(command.info().ty.name, &error)),
        }
    }
    Ok(())
}

fn failed(command: &str, error: &Failure) -> Attempt {
    let text = format!("{command}: {error}");
    match error {
        // The function may meet another state at the next attempt.
        ExecuteError::Panicked(panicked) => Attempt::Again(panicked.to_string()),
        error if error.is_hindrance() => Attempt::Wait(text),
        _ => Attempt::Never(text),
    }
}

async fn react(
    app: &App,
    entry: &AutomationEntry,
    event: &RecordedEvent,
) -> Result<Commands, Attempt> {
    let context = Reaction {
        metadata: event.metadata().clone(),
        app: Some(Arc::new(app.clone())),
    };
    let hindered = app.cause.as_ref().map(|cause| &cause.hindered);
    let is_hindered = || hindered.is_some_and(|hindered| hindered.swap(false, Ordering::Relaxed));
    is_hindered();
    // A handler that panics must not end the runner, which serves the other instances.
    let reaction = AssertUnwindSafe(entry.erased().react(event, &context)).catch_unwind();
    match REACTION.scope(app.clone(), reaction).await {
        Ok(Ok(commands)) => Ok(commands),
        Ok(Err(error @ ReactError::Decode(_))) => Err(Attempt::Never(error.to_string())),
        Ok(Err(error)) if is_hindered() || is_hindrance(&error) => {
            Err(Attempt::Wait(error.to_string()))
        }
        Ok(Err(error)) => Err(Attempt::Again(error.to_string())),
        Err(panic) => {
            let text = panics::message(&*panic);
            let text = format!("the handler panicked: {text}");
            Err(if is_hindered() {
                Attempt::Wait(text)
            } else {
                Attempt::Again(text)
            })
        }
    }
}

/// Whether a handler failed because a view, or the store, did not answer.
fn is_hindrance(error: &ReactError) -> bool {
    let ReactError::Handler(error) = error else {
        return false;
    };
    let mut source: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = source {
        let view = error.downcast_ref().is_some_and(ViewError::is_retryable);
        if view || error.downcast_ref().is_some_and(StoreError::is_retryable) {
            return true;
        }
        source = error.source();
    }
    false
}
