//! What can be set: for an app, and for one execution.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::record::{CommandId, InvalidCommandId, Position};
use crate::store::{AuditTrail, ViewHost};

/// How an app runs. The defaults fit; each function says what it changes.
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

    /// Who records: the `ce-source` of events whose command does not say it. Else the name of the model.
    #[must_use]
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The clock: the time of events, and of [`Now`](crate::Now). Else that of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many states of stream instances are kept between commands, so that they are not folded again. 100,000;
    /// 0 keeps none.
    #[must_use]
    pub fn state_cache(mut self, instances: usize) -> Self {
        self.state_cache = instances;
        self
    }

    /// Names the build of the program: `build("1.2.3-4f0c9d1")`. **Every change of its code must change the name.**
    ///
    /// A snapshot of a state is used only by the very build that made it, since another one may fold the same events
    /// to another state. On Linux the executable itself tells builds apart, and no name is needed. Where it cannot
    /// be known for sure which file runs (on other systems, or when the model is in a library that another program
    /// has loaded) there are no snapshots without a name. An empty name is none.
    #[must_use]
    pub fn build(mut self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.build = (!name.is_empty()).then_some(name);
        self
    }

    /// How often a command is decided when others keep writing first, before it ends as a conflict. 32; at least 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// How long a lost acknowledgement is looked into before it ends as an unknown outcome. 10 seconds.
    #[must_use]
    pub fn resolve_within(mut self, wait: Duration) -> Self {
        self.resolve_within = wait;
        self
    }

    /// How long [`App::shutdown`](crate::App::shutdown) waits for automations and views. 30 seconds.
    #[must_use]
    pub fn drain_within(mut self, wait: Duration) -> Self {
        self.drain_within = wait;
        self
    }

    /// Where views live. Else where the store says.
    #[must_use]
    pub fn views(mut self, host: impl ViewHost) -> Self {
        self.views = Some(Arc::new(host));
        self
    }

    /// Where the audit trail is kept. Else where the store says.
    #[must_use]
    pub fn audit(mut self, trail: impl AuditTrail) -> Self {
        self.audit = Some(Arc::new(trail));
        self
    }

    /// How many stream instances one automation handles at the same time, those that wait for a full store or for a view
    /// included. 32.
    #[must_use]
    pub fn automation_parallelism(mut self, instances: NonZeroUsize) -> Self {
        self.automation_parallelism = instances;
        self
    }

    /// How often an automation tries to handle an event before it is set aside. 6; at least 1. What is no fault of the
    /// event does not count: while the store is full or cannot be reached, or others write first, it is tried for as
    /// long as that takes.
    #[must_use]
    pub fn automation_attempts(mut self, attempts: u32) -> Self {
        self.automation_attempts = attempts.max(1);
        self
    }

    /// How long an automation waits before its second attempt; each further wait is twice as long, up to a hundred
    /// times this. 50 milliseconds.
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

/// What one execution of a command is told beside the command.
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
    pub(super) expected_revision: Option<Position>,
}

impl ExecuteOptions {
    /// Nothing beside the command.
    pub fn new() -> Self {
        Self::default()
    }

    /// The identity of the command: executed again with the same id, it gives the first receipt again. It goes
    /// before the template of the command's own id.
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

    /// What all that follows from one request has in common. Else the id of the command.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// What caused the command.
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

    /// Who sends it. Else the source of the app, or the automation whose handler executes it. What a handler executes
    /// under another source is not known to follow from its event: [`App::settled`](crate::App::settled) and
    /// [`App::shutdown`](crate::App::shutdown) do not wait for it.
    #[must_use]
    pub fn source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Only if the stream instance that the command is keyed by has this revision: [`Receipt::revision`] of the
    /// last command the sender has seen; [`Position::START`] if nothing may be there.
    ///
    /// [`Receipt::revision`]: crate::Receipt::revision
    #[must_use]
    pub fn expected_revision(mut self, revision: Position) -> Self {
        self.expected_revision = Some(revision);
        self
    }
}
