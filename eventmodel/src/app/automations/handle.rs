//! Handling one event: react, execute the commands, try again, give up.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::app::execute::Backoff;
use crate::app::{App, ExecuteError, ExecuteOptions, Failure};
use crate::automation::{Commands, ReactError, Reaction};
use crate::model::AutomationEntry;
use crate::{CommandId, DecodeError, Metadata, RecordedEvent, panics};

tokio::task_local! {
    /// The handle of the reaction that this task is in the middle of.
    static REACTION: App;
}

/// The automation whose handler asks: it holds the handle that it was given, or runs in this task, with a handle from
/// elsewhere. What a handler has spawned cannot be told from what others have.
pub(in crate::app) fn asking(app: &App) -> Option<&'static str> {
    let given = app.cause.as_ref().map(|cause| cause.automation);
    given.or_else(|| {
        let running = |reaction: &App| {
            let is_same = Arc::ptr_eq(&reaction.inner, &app.inner);
            reaction
                .cause
                .as_ref()
                .filter(|_| is_same)
                .map(|cause| cause.automation)
        };
        REACTION.try_with(running).ok().flatten()
    })
}

/// What the commands of a reaction follow from, also those that a handler executes by itself.
pub(in crate::app) struct Cause {
    automation: &'static str,
    event: Metadata,
}

impl Cause {
    /// The options, with what they do not say.
    pub(in crate::app) fn told(&self, mut options: ExecuteOptions) -> ExecuteOptions {
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

/// Why an event was given up.
pub(super) struct GivenUp {
    pub(super) error: String,
    pub(super) attempts: u32,
}

impl GivenUp {
    /// It was not tried.
    pub(super) fn unread(error: &DecodeError) -> Self {
        Self {
            error: error.to_string(),
            attempts: 0,
        }
    }
}

/// Whether another attempt makes sense.
enum Attempt {
    Again(String),
    Never(String),
}

pub(super) async fn handle(
    app: &App,
    entry: &AutomationEntry,
    log: &str,
    event: &RecordedEvent,
) -> Result<(), GivenUp> {
    let options = &app.inner.options;
    let first = options.automation_backoff;
    let mut backoff = Backoff::new(
        event.metadata().id.as_str(),
        first,
        first.saturating_mul(100),
    );
    let app = app.because(Cause {
        automation: entry.info().ty.name,
        event: event.metadata().clone(),
    });
    let mut attempts = 0;
    // Once it has reacted, the same commands are tried: a handler need not decide the same twice.
    let mut commands: Option<Commands> = None;
    loop {
        attempts += 1;
        let error = match attempt(&app, entry, log, event, &mut commands).await {
            Ok(()) => return Ok(()),
            Err(Attempt::Never(error)) => return Err(GivenUp { error, attempts }),
            Err(Attempt::Again(error)) => error,
        };
        if attempts >= options.automation_attempts {
            return Err(GivenUp { error, attempts });
        }
        let (automation, position) = (entry.info().ty.name, event.position());
        tracing::warn!(automation, %position, attempts, error, "trying again");
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
    for (n, command) in commands.0.iter().enumerate() {
        let name = entry.info().ty.name;
        // An event id is one of its log.
        let id = CommandId::derived(&[log, metadata.id.as_str(), name, &n.to_string()]);
        let options = ExecuteOptions::new().id(id);
        // A decision that panics must not take the event with it: it would be in hand for ever.
        let executed = AssertUnwindSafe(command.execute(app, options)).catch_unwind();
        let executed = executed.await.map_err(|panic| {
            let (command, text) = (command.info().ty.name, panics::message(&*panic));
            Attempt::Again(format!("{command} panicked: {text}"))
        })?;
        match executed {
            // The domain has answered; it would answer the same again.
            Err(ExecuteError::Rejected(rejection)) => {
                let (automation, command) = (name, command.info().ty.name);
                tracing::info!(
                    automation,
                    command,
                    code = rejection.code,
                    "the command was rejected"
                );
            }
            // An id that was used follows from this event: it was this automation, before a restart.
            Ok(_) | Err(ExecuteError::IdReused { .. }) => {}
            Err(error) => return Err(failed(command.info().ty.name, &error)),
        }
    }
    Ok(())
}

fn failed(command: &str, error: &Failure) -> Attempt {
    let text = format!("{command}: {error}");
    match error {
        // What a function panicked at may be another state by then.
        ExecuteError::Panicked(panicked) => Attempt::Again(panicked.to_string()),
        error if error.is_retryable() => Attempt::Again(text),
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
        app: Some(app.clone()),
    };
    // A handler that panics must not take the runner, and the other instances, with it.
    let reaction = AssertUnwindSafe(entry.erased().react(event, &context)).catch_unwind();
    match REACTION.scope(app.clone(), reaction).await {
        Ok(Ok(commands)) => Ok(commands),
        Ok(Err(error @ ReactError::Decode(_))) => Err(Attempt::Never(error.to_string())),
        Ok(Err(error)) => Err(Attempt::Again(error.to_string())),
        Err(panic) => {
            let text = panics::message(&*panic);
            Err(Attempt::Again(format!("the handler panicked: {text}")))
        }
    }
}
