//! The options of an app, and of one execution.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::record::{CommandId, Cursor, InvalidCommandId};
use crate::store::{AuditTrail, ViewHost};

/// How an app runs. The defaults fit most models; each function says what it changes.
#[derive(Clone)]
pub struct AppOptions {
    pub(super) source: Option<Arc<str>>,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) state_cache: usize,
    pub(super) build: Option<Arc<str>>,
    pub(super) max_attempts: u32,
    pub(super) resolve_within: Duration,
    pub(super) drain_within: Duration,
    pub(super) views: Option<Arc<dyn ViewHost>>,
    pub(super) audit: Option<Arc<dyn AuditTrail>>,
    pub(super) automation_parallelism: NonZeroUsize,
    pub(super) automation_attempts: u32,
    pub(super) automation_backoff: Duration,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            source: None,
            clock: Arc::new(Timestamp::now),
            state_cache: 100_000,
            build: None,
            max_attempts: 32,
            resolve_within: Duration::from_secs(10),
            drain_within: Duration::from_secs(30),
            views: None,
            audit: None,
            automation_parallelism: const { NonZeroUsize::new(32).expect("not zero") },
            automation_attempts: 6,
            automation_backoff: Duration::from_millis(50),
        }
    }
}

impl AppOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `ce-source` of events whose command does not name a source. *Default:* the name of the model.
    #[must_use]
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The clock that gives the time of events, and [`Now`](crate::Now). *Default:* the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many states of stream instances the app keeps between commands, so that it need not fold them again; 0 keeps
    /// none. *Default:* 100,000.
    #[must_use]
    pub fn state_cache(mut self, instances: usize) -> Self {
        self.state_cache = instances;
        self
    }

    /// Names the build of the program: `build("1.2.3-4f0c9d1")`. **Every change of its code must change the name.**
    ///
    /// Only the build that made a snapshot uses it, because another build may fold the same events to another state. On
    /// Linux the app tells builds apart by the executable, and needs no name. On other systems, and in a library that
    /// another program has loaded, the app cannot know which file runs: without a name it then keeps no snapshots. An
    /// empty name counts as none.
    #[must_use]
    pub fn build(mut self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.build = (!name.is_empty()).then_some(name);
        self
    }

    /// How often the engine decides a command while others keep writing first, before the command ends as a conflict;
    /// at least 1. *Default:* 32.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// How long the engine tries to find out what became of an append whose answer was lost, before the command ends as
    /// an unknown outcome. *Default:* 10 seconds.
    #[must_use]
    pub fn resolve_within(mut self, wait: Duration) -> Self {
        self.resolve_within = wait;
        self
    }

    /// How long [`App::shutdown`](crate::App::shutdown) waits for automations and views. *Default:* 30 seconds.
    #[must_use]
    pub fn drain_within(mut self, wait: Duration) -> Self {
        self.drain_within = wait;
        self
    }

    /// Where views are hosted. *Default:* the store's own host; without one, in memory.
    #[must_use]
    pub fn views(mut self, host: impl ViewHost) -> Self {
        self.views = Some(Arc::new(host));
        self
    }

    /// Where the audit trail is kept. *Default:* the store's own trail; without one, in memory.
    #[must_use]
    pub fn audit(mut self, trail: impl AuditTrail) -> Self {
        self.audit = Some(Arc::new(trail));
        self
    }

    /// How many stream instances one automation handles at the same time. Those that wait for a full store or for a
    /// view count, too. *Default:* 32.
    #[must_use]
    pub fn automation_parallelism(mut self, instances: NonZeroUsize) -> Self {
        self.automation_parallelism = instances;
        self
    }

    /// How often an automation tries to handle an event before it parks the event; at least 1. *Default:* 6. Only
    /// faults of the event count. While the store is full or cannot be reached, or others write first, the automation
    /// tries for as long as that lasts.
    #[must_use]
    pub fn automation_attempts(mut self, attempts: u32) -> Self {
        self.automation_attempts = attempts.max(1);
        self
    }

    /// How long an automation waits before its second attempt. Each further wait is twice as long, up to a hundred
    /// times this one. *Default:* 50 milliseconds.
    #[must_use]
    pub fn automation_backoff(mut self, wait: Duration) -> Self {
        self.automation_backoff = wait;
        self
    }
}

impl fmt::Debug for AppOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppOptions")
            .field("source", &self.source)
            .field("state_cache", &self.state_cache)
            .field("build", &self.build)
            .field("max_attempts", &self.max_attempts)
            .field("resolve_within", &self.resolve_within)
            .field("drain_within", &self.drain_within)
            .field("automation_parallelism", &self.automation_parallelism)
            .field("automation_attempts", &self.automation_attempts)
            .field("automation_backoff", &self.automation_backoff)
            .finish_non_exhaustive()
    }
}

/// What the sender of a command says beside the command.
///
/// ```
/// use eventmodel::{ExecuteOptions, Position};
///
/// let options = ExecuteOptions::new()
///     .try_id("order-42").unwrap()
///     .correlation_id("request-7")
///     .expected_revision(Position::START);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExecuteOptions {
    pub(super) id: Option<CommandId>,
    pub(super) correlation_id: Option<Arc<str>>,
    pub(super) causation_id: Option<Arc<str>>,
    pub(super) traceparent: Option<Arc<str>>,
    pub(super) source: Option<Arc<str>>,
    pub(super) expected_revision: Option<Cursor>,
}

impl ExecuteOptions {
    /// No options: the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The identity of the command. A command that is executed again under its id returns the first receipt. This id
    /// takes precedence over the template of the command's own id.
    #[must_use]
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// As [`id`](Self::id), from text.
    ///
    /// # Errors
    /// [`InvalidCommandId`].
    pub fn try_id(self, id: &str) -> Result<Self, InvalidCommandId> {
        Ok(self.id(CommandId::new(id)?))
    }

    /// The correlation id: everything that follows from one request has the same. *Default:* the id of the command.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The causation id: what caused the command.
    #[must_use]
    pub fn causation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// The W3C trace context, a `traceparent`.
    #[must_use]
    pub fn traceparent(mut self, traceparent: impl Into<Arc<str>>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// Who sends the command: the `ce-source` of its events. *Default:* the automation whose handler executes it;
    /// otherwise the source of the app. The app does not know that a command with a source of its own follows from the
    /// event of a handler, so [`App::settled`](crate::App::settled) and [`App::shutdown`](crate::App::shutdown) do not
    /// wait for it.
    #[must_use]
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Executes the command only if the stream instance that it is keyed by has this revision: the
    /// [`Receipt::revision`] of the last command that the sender has seen, or [`Position::START`] if the instance must
    /// not have an event yet. A [`Cursor`] expects also that the log is the one that it is of.
    ///
    /// [`Position::START`]: crate::Position::START
    /// [`Receipt::revision`]: crate::Receipt::revision
    #[must_use]
    pub fn expected_revision(mut self, revision: impl Into<Cursor>) -> Self {
        self.expected_revision = Some(revision.into());
        self
    }
}
