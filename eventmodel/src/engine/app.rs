//! The running event model: executes commands, answers views, runs automations.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;
use futures_core::stream::BoxStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::refused::RefusedRequests;
use crate::board::{EventModel, ViewEntry, log_of, logs_of_handlers};
use crate::engine::{RunningView, View};
use crate::memory;
use crate::model::{AnyCommand, Command, Decide, InHand, Projection};
use crate::record::{Codec, Incarnation, Json, Receipt, RecordedEvent, Vocabulary};
use crate::store::{
    AuditEntry, AuditQuery, AuditTrail, Parked, Store, StoreError, ViewDefinition, ViewError,
};

use super::automation::{self, AutomationStatus, Cause, RetryError, RunningAutomation};
use super::command::{self, Failed, StateCache};
use super::drain::{self, NotDrained};
use super::error::{ExecuteError, Failure, StartError};
use super::events::{self, EventQuery};
use super::options::{AppOptions, ExecuteOptions};
use super::snapshots::Snapshots;
use super::view::AnyView;

/// A running event model. Clones are cheap and share it.
///
/// Call [`shutdown`](Self::shutdown) before the program ends. When the last clone is dropped without it, views and
/// automations stop where they are.
#[derive(Clone)]
pub struct App {
    pub(super) inner: Arc<Inner>,
    /// `None` in the handles of the app's own tasks, so that these do not keep it running.
    pub(super) handle: Option<Arc<DropGuard>>,
    /// The cause of the commands that a handler executes.
    pub(super) cause: Option<Arc<Cause>>,
}

pub(super) struct Inner {
    pub(super) model: EventModel,
    pub(super) store: Arc<dyn Store>,
    pub(super) options: AppOptions,
    pub(super) vocabulary: Arc<Vocabulary>,
    pub(super) routes: OfTypes<Route>,
    pub(super) cache: StateCache,
    /// The names of the logs of the model.
    pub(super) logs: Vec<Arc<str>>,
    /// Unless there are none.
    pub(super) snapshots: Option<Snapshots>,
    pub(super) audit: Arc<dyn AuditTrail>,
    pub(super) views: OfTypes<RunningView>,
    pub(super) automations: std::sync::OnceLock<Vec<RunningAutomation>>,
    pub(super) refused: RefusedRequests,
    pub(super) closing: AtomicBool,
    pub(super) in_flight: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Inner {
    pub(super) fn default_log(&self) -> &Arc<str> {
        match &self.logs[..] {
            [only] => only,
            _ => self.model.name(),
        }
    }
}

/// What there is of each type of command or view.
type OfTypes<T> = HashMap<TypeId, T, RandomState>;

/// What the engine needs to know of a command type.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) name: Arc<str>,
    pub(super) log: Arc<str>,
    pub(super) incarnation: Incarnation,
    /// Texts that its events have: their types, and the usual content type.
    pub(super) texts: Vec<Arc<str>>,
}

impl Route {
    /// The text, without a copy for every event.
    pub(super) fn shared(&self, text: &'static str) -> Arc<str> {
        let known = self.texts.iter().find(|known| ***known == *text);
        known.cloned().unwrap_or_else(|| text.into())
    }
}

impl EventModel {
    /// Starts the model on a store, with the defaults of [`AppOptions`].
    ///
    /// # Errors
    /// [`StartError`] if the model is wrong, or the store does not fit it.
    pub async fn start(self, store: impl Store) -> Result<App, StartError> {
        self.start_with(store, AppOptions::default()).await
    }

    /// Starts the model on a store.
    ///
    /// # Errors
    /// [`StartError`] if the model is wrong, or the store does not fit it.
    pub async fn start_with(
        self,
        store: impl Store,
        options: AppOptions,
    ) -> Result<App, StartError> {
        App::start(self, Arc::new(store), options).await
    }
}

impl App {
    async fn start(
        model: EventModel,
        store: Arc<dyn Store>,
        options: AppOptions,
    ) -> Result<Self, StartError> {
        model.check()?;
        let logs = model.logs();
        store.open(&logs).await?;
        let snapshots = Snapshots::of(&model, &*store, &options).await;
        let vocabulary = Arc::new(model.vocabulary());
        let stop = CancellationToken::new();
        // Dropped when something below fails, it stops what runs already.
        let guard = stop.clone().drop_guard();
        let views = start_views(&model, &store, &options, &vocabulary, &stop).await?;
        let inner = Arc::new(Inner {
            routes: routes(&model, &*store)?,
            cache: StateCache::new(options.state_cache),
            snapshots,
            logs: logs.into_iter().map(|log| log.name).collect(),
            audit: options
                .audit
                .clone()
                .unwrap_or_else(|| memory::audit_of(&*store)),
            views,
            automations: std::sync::OnceLock::new(),
            refused: RefusedRequests::default(),
            closing: AtomicBool::new(false),
            in_flight: TaskTracker::new(),
            stop,
            model,
            store,
            options,
            vocabulary,
        });
        // From here on a failure drops the guard, which stops what runs already.
        let app = Self {
            inner,
            handle: Some(Arc::new(guard)),
            cause: None,
        };
        let automations = automation::start(&app.internal()).await?;
        let _ = app.inner.automations.set(automations);
        Ok(app)
    }

    /// A handle for the app's own tasks.
    pub(super) fn internal(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handle: None,
            cause: None,
        }
    }

    /// A handle for the reaction to an event.
    pub(super) fn because(&self, cause: Arc<Cause>) -> Self {
        Self {
            cause: Some(cause),
            ..self.internal()
        }
    }

    /// The model that runs.
    pub fn model(&self) -> &EventModel {
        &self.inner.model
    }

    /// The log that [`events`](Self::events) reads if the query names none: the only one, or the one with the name of the
    /// model.
    pub fn default_log(&self) -> &Arc<str> {
        self.inner.default_log()
    }

    /// Which log of this name it is. What is given to clients carries it, as a [`Cursor`](crate::record::Cursor).
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`] if the model has no log of this name.
    pub fn incarnation(&self, log: &Arc<str>) -> Result<Incarnation, StoreError> {
        self.inner.store.incarnation(log)
    }

    /// The store it runs on.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Executes a command.
    ///
    /// A conflict is retried with fresh state. When this returns a receipt, all events of the command are stored;
    /// when it returns an error other than [`ExecuteError::UnknownOutcome`], none is.
    ///
    /// # Errors
    /// [`ExecuteError`]: each variant says when it occurs and what to do.
    pub async fn execute<C: Decide>(
        &self,
        command: C,
    ) -> Result<Receipt, ExecuteError<C::Rejection>> {
        self.execute_with(command, ExecuteOptions::default()).await
    }

    /// Executes a command with an id, a correlation id, an expected revision, …
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_with<C: Decide>(
        &self,
        command: C,
        options: ExecuteOptions,
    ) -> Result<Receipt, ExecuteError<C::Rejection>> {
        let mut command = InHand::new(command);
        let executed = self.execute_any(&mut command, options).await;
        executed.map_err(typed::<C>)
    }

    /// Executes a command whose type is erased.
    pub(crate) async fn execute_erased(
        &self,
        command: &mut dyn AnyCommand,
        options: ExecuteOptions,
    ) -> Result<Receipt, Failure> {
        let executed = self.execute_any(command, options).await;
        executed.map_err(|error| error.map_rejection(|rejection| rejection.report()))
    }

    async fn execute_any(
        &self,
        command: &mut dyn AnyCommand,
        options: ExecuteOptions,
    ) -> Result<Receipt, Failed> {
        // The commands of automations are still executed while the app drains, and may never come to an end.
        let _in_flight = self.handle.as_ref().map(|_| self.inner.in_flight.token());
        if self.handle.is_some() && self.inner.closing.load(Ordering::Acquire) {
            return Err(ExecuteError::ShuttingDown);
        }
        let options = match &self.cause {
            Some(cause) => cause.told(options),
            None => options,
        };
        let result = command::execute(&self.inner, command, options).await;
        if let Err(error) = &result
            && error.is_hindrance()
            && let Some(cause) = automation::cause(self)
        {
            cause.hindered();
        }
        result
    }

    /// A view, to be asked.
    pub fn view<P: Projection>(&self) -> View<P> {
        let running = self.inner.views.get(&TypeId::of::<P>()).cloned();
        View::new(running.ok_or(ViewError::NotInModel {
            view: P::INFO.ty.name,
        }))
    }

    /// The view with this address (`cleaning-schedule`), without its type: for adapters.
    pub fn view_at(&self, address: &str) -> Option<AnyView> {
        let mut views = self.inner.views.values();
        let view = views.find(|view| view.definition.fold.info().address() == address)?;
        Some(AnyView::new(view.clone()))
    }

    /// The recorded events that the query asks for, in the order of their log.
    pub fn events(
        &self,
        query: EventQuery,
    ) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
        events::read(&self.inner, query)
    }

    /// How commands ended, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the audit trail cannot be read.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.audit.query(query).await
    }

    /// What automations have parked because they could not handle it, the oldest first.
    pub fn parked(&self) -> Vec<Parked> {
        self.inner
            .running_automations()
            .iter()
            .flat_map(RunningAutomation::parked)
            .collect()
    }

    /// Lets the automation handle a parked instance again, from the parked event on. If another process does so
    /// already, this one waits for it, and takes over if it dies.
    ///
    /// # Errors
    /// [`RetryError`] if it is not parked any more, or the app shuts down.
    pub fn retry(&self, parked: &Parked) -> Result<(), RetryError> {
        automation::retry(self.inner.running_automations(), parked)
    }

    /// Where the automations are.
    pub fn automations(&self) -> Vec<AutomationStatus> {
        self.inner
            .running_automations()
            .iter()
            .map(RunningAutomation::status)
            .collect()
    }

    /// Waits until every view and every automation has handled what was recorded before this call, and what followed
    /// from it: what automations recorded in reaction. It does not wait for what others record meanwhile.
    ///
    /// What is parked counts as handled. So does, on a store whose automations are shared by processes, what another
    /// process has handled. Automations that react to each other without end never settle, nor does one that waits for
    /// room in a full store: bound the wait with [`tokio::time::timeout`].
    ///
    /// A handler of an automation must not wait for all automations, because it would wait for itself. The call returns
    /// an error at once, on the `&App` that the handler takes and on any other clone. In a task that the handler spawns
    /// it does so only on the `&App`; on another clone the task waits for ever if the handler waits for it.
    ///
    /// # Errors
    /// [`ViewError`] if a view has stopped or the store cannot be reached; [`ViewError::InHandler`] in a handler of an
    /// automation.
    pub async fn settled(&self) -> Result<(), ViewError> {
        if let Some(automation) = automation::cause(self).map(|cause| cause.automation) {
            return Err(ViewError::InHandler { automation });
        }
        drain::settled(&self.inner).await
    }

    /// Stops in good order: takes no more commands, finishes those that run, lets automations and views handle
    /// what is recorded by then and what follows from it, as [`settled`](Self::settled) does, and stops. What others
    /// record meanwhile is left to other processes, or to the next start.
    ///
    /// # Errors
    /// [`NotDrained::Behind`] if that took longer than [`AppOptions::drain_within`], or a view cannot get further.
    /// Everything has stopped nevertheless, and nothing that was accepted is lost. [`NotDrained::InHandler`] in a
    /// handler of an automation, which it would wait for, as [`settled`](Self::settled) would; then nothing has
    /// stopped.
    pub async fn shutdown(&self) -> Result<(), NotDrained> {
        if let Some(automation) = automation::cause(self).map(|cause| cause.automation) {
            return Err(NotDrained::InHandler { automation });
        }
        drain::shutdown(&self.inner).await
    }
}

impl Inner {
    pub(super) fn running_automations(&self) -> &[RunningAutomation] {
        self.automations.get().map_or(&[], Vec::as_slice)
    }
}

/// The failure of a command with its type.
fn typed<C: Command>(error: Failed) -> ExecuteError<C::Rejection> {
    error.replace_rejection(|rejection| match rejection.into_any().downcast() {
        Ok(rejection) => ExecuteError::Rejected(*rejection),
        // Only another command has a rejection of another type.
        Err(_) => ExecuteError::NotInModel {
            command: C::INFO.ty.name,
        },
    })
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("model", self.inner.model.name())
            .field("store", &self.inner.store)
            .finish_non_exhaustive()
    }
}

fn routes(model: &EventModel, store: &dyn Store) -> Result<OfTypes<Route>, StoreError> {
    let commands = model.commands();
    let route = |info: &crate::model::CommandInfo| -> Result<_, StoreError> {
        let written = info
            .emits
            .iter()
            .filter_map(|event| event.streams.first().copied());
        let guarded = info
            .states
            .iter()
            .filter(|s| s.guarded)
            .filter_map(|s| s.stream);
        let consulted = info.states.iter().filter_map(|s| s.stream);
        let home = written.chain(guarded).chain(consulted).next();
        let log = home.map_or_else(|| model.name().clone(), |stream| log_of(model, stream));
        Ok(Route {
            name: info.ty.name.into(),
            incarnation: store.incarnation(&log)?,
            log,
            texts: std::iter::once(Json::CONTENT_TYPE)
                .chain(info.emits.iter().map(|event| event.event_type))
                .map(Arc::from)
                .collect(),
        })
    };
    commands
        .iter()
        .map(|entry| Ok((entry.type_id(), route(entry.info())?)))
        .collect()
}

async fn start_views(
    model: &EventModel,
    store: &Arc<dyn Store>,
    options: &AppOptions,
    vocabulary: &Arc<Vocabulary>,
    stop: &CancellationToken,
) -> Result<OfTypes<RunningView>, StartError> {
    let host = options.views.clone();
    let host = host.unwrap_or_else(|| memory::views_of(&**store));
    let views = model.views();
    let definition = |view: &ViewEntry| {
        let logs = logs_of_handlers(model, view.info().handlers.iter().map(|h| h.event));
        let (name, fold) = (model.name().clone(), view.fold().clone());
        ViewDefinition::new(name, logs, fold, vocabulary.clone())
    };
    let definitions = views.iter().map(definition).collect();
    let running = RunningView::start(definitions, &*host, store, stop).await?;
    let ids = views.iter().map(ViewEntry::type_id);
    Ok(ids.zip(running).collect())
}
