//! The running automations of an app: one runner for each, on each of its logs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::app::App;
use super::error::StartError;
use crate::board::{AutomationEntry, logs_of_handlers};
use crate::memory;
use crate::record::{Position, Subject};
use crate::store::{Inbox, InboxSpec, Parked, Parking, StoreError, Trouble};
use crate::trouble::excerpt;

mod handle;
mod runner;

pub(super) use handle::{Cause, cause};
use runner::Runner;

/// How long to wait before asking an inbox again how far all who share it are.
const POLL: Duration = Duration::from_millis(20);

/// Why a parked event cannot be retried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// Nothing is parked there any more.
    #[error(
        "`{automation}` has nothing parked on `{subject}`: `App::parked` lists what is parked now"
    )]
    NotParked {
        /// The automation.
        automation: &'static str,
        /// The stream instance.
        subject: Subject,
    },
    /// The automation has ended with its app.
    #[error(
        "`{automation}` has ended, as the app is shutting down: retry in another process, or after the next start"
    )]
    Stopped {
        /// The automation.
        automation: &'static str,
    },
}

/// What an automation waits for. It is no fault of an event, and the automation goes on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// The start of the wait.
    pub since: Timestamp,
    /// What was in the way at the last attempt, cut to a kilobyte: the store is full or cannot be reached, a view lags,
    /// others wrote first, an event cannot be parked.
    pub error: String,
}

/// How far an automation is, and what keeps it from going on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AutomationStatus {
    /// Its name.
    pub name: &'static str,
    /// For each log, the position up to which everything was handled or parked, as far as this process knows.
    pub positions: BTreeMap<Arc<str>, Position>,
    /// How many stream instances are parked.
    pub parked: usize,
    /// What some of its events, or all of them, wait for. The longest wait is shown.
    pub waiting: Option<Waiting>,
    /// Why it has stopped, if somebody must mend that. After that it goes on by itself.
    pub stopped: Option<StoreError>,
}

/// One automation of a running app.
pub(super) struct RunningAutomation {
    name: &'static str,
    lanes: Vec<Lane>,
}

/// The automation on one of its logs.
struct Lane {
    log: Arc<str>,
    inbox: Arc<dyn Inbox>,
    parking: Arc<dyn Parking>,
    shared: Arc<Shared>,
    retry: mpsc::UnboundedSender<Subject>,
}

/// What the runner tells the app.
struct Shared {
    progress: watch::Sender<Progress>,
    /// The instances that are parked and being handled again.
    retried: Mutex<BTreeSet<Subject>>,
    /// The waiting events, and what they wait for.
    waits: Mutex<BTreeMap<Position, Waiting>>,
}

/// A waiting event, until this is dropped.
struct Wait {
    shared: Arc<Shared>,
    position: Position,
    since: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    handled: Position,
    /// The first event that is in hand or waits for its turn.
    pending: Option<Position>,
    /// What keeps the whole automation from going on.
    trouble: Option<Trouble>,
    ended: bool,
}

impl Progress {
    /// Whether it has ended, or needs somebody to mend something before it goes on.
    fn stopped(&self) -> bool {
        let is_stopped = |trouble: &Trouble| !trouble.error.is_retryable();
        self.ended || self.trouble.as_ref().is_some_and(is_stopped)
    }
}

pub(super) async fn start(app: &App) -> Result<Vec<RunningAutomation>, StartError> {
    let mut running = Vec::new();
    for entry in app.inner.model.automations() {
        running.push(start_one(app, &entry).await?);
    }
    Ok(running)
}

async fn start_one(app: &App, entry: &AutomationEntry) -> Result<RunningAutomation, StartError> {
    let (model, name) = (&app.inner.model, entry.info().ty.name);
    let mut lanes = Vec::new();
    for log in logs_of_handlers(model, entry.info().handlers.iter().map(|h| h.event)) {
        let spec = InboxSpec {
            model: model.name().clone(),
            automation: name,
            log: log.clone(),
        };
        let store = &app.inner.store;
        let inbox = memory::inboxes_of(&**store).open(&spec, store).await?;
        let inbox: Arc<dyn Inbox> = inbox.into();
        let parking = inbox.parking();
        let handled = inbox.handled().await?;
        let progress = Progress {
            handled,
            ..Progress::default()
        };
        let shared = Arc::new(Shared {
            progress: watch::Sender::new(progress),
            retried: Mutex::default(),
            waits: Mutex::default(),
        });
        let (retry, retries) = mpsc::unbounded_channel();
        let runner = Runner::new(
            app.clone(),
            entry.clone(),
            log.clone(),
            inbox.clone(),
            handled,
            shared.clone(),
        );
        tokio::spawn(runner.run(retries));
        lanes.push(Lane {
            log,
            inbox,
            parking,
            shared,
            retry,
        });
    }
    Ok(RunningAutomation { name, lanes })
}

pub(super) fn retry(running: &[RunningAutomation], parked: &Parked) -> Result<(), RetryError> {
    let Parked {
        automation,
        subject,
        log,
        ..
    } = parked;
    let not_parked = || RetryError::NotParked {
        automation,
        subject: subject.clone(),
    };
    let lane = running
        .iter()
        .filter(|running| running.name == *automation)
        .flat_map(|running| &running.lanes)
        .find(|lane| lane.log == *log)
        .ok_or_else(not_parked)?;
    if !lane
        .parked()
        .iter()
        .any(|parked| parked.subject == *subject)
    {
        return Err(not_parked());
    }
    lane.retry
        .send(subject.clone())
        .map_err(|_| RetryError::Stopped { automation })
}

impl RetryError {
    /// Whether the same call may succeed later. Never: list again what is parked.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotParked { .. } | Self::Stopped { .. } => false,
        }
    }
}

impl Shared {
    fn retried(&self) -> std::sync::MutexGuard<'_, BTreeSet<Subject>> {
        self.retried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, BTreeMap<Position, Waiting>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    fn new(shared: &Arc<Shared>, position: Position, since: Timestamp) -> Self {
        let shared = shared.clone();
        Self {
            shared,
            position,
            since,
        }
    }

    /// What is in the way.
    fn tell(&self, error: String) {
        let since = self.since;
        let mut waits = self.shared.waits();
        let error = excerpt(error);
        waits.insert(self.position, Waiting { since, error });
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.shared.waits().remove(&self.position);
    }
}

impl Lane {
    fn parked(&self) -> Vec<Parked> {
        let mut parked = self.parking.list();
        let retried = self.shared.retried();
        parked.retain(|parked| !retried.contains(&parked.subject));
        parked
    }

    /// What keeps the whole automation from going on.
    fn troubles(&self) -> Vec<Trouble> {
        let own = self.shared.progress.borrow().trouble.clone();
        self.inbox.trouble().into_iter().chain(own).collect()
    }

    fn waiting(&self) -> Option<Waiting> {
        let troubles = self.troubles().into_iter();
        let troubles = troubles.filter(|trouble| trouble.error.is_retryable());
        let troubles = troubles.map(|Trouble { since, error }| Waiting {
            since,
            error: error.to_string(),
        });
        let events = self.shared.waits().values().cloned().collect::<Vec<_>>();
        troubles.chain(events).min_by_key(|waiting| waiting.since)
    }

    fn stopped(&self) -> Option<StoreError> {
        let mut errors = self.troubles().into_iter().map(|trouble| trouble.error);
        errors.find(|error| !error.is_retryable())
    }

    /// Waits until everything up to `position` was handled or parked, or the automation has stopped.
    async fn reached(&self, position: Position) {
        let mut progress = self.shared.progress.subscribe();
        let mut was_here = false;
        loop {
            let until = self.inbox.handled().await.unwrap_or_default();
            if until >= position {
                // Events that a retry has in hand count as done in the inbox.
                let idle = |p: &Progress| p.pending.is_none_or(|first| first > position);
                let _ = progress.wait_for(|p| idle(p) || p.stopped()).await;
                return;
            }
            // Only this process says at once that it is there.
            let is_here = |p: &Progress| !was_here && p.handled >= position;
            let moved = progress.wait_for(|p| is_here(p) || p.stopped());
            match tokio::time::timeout(POLL, moved).await {
                Ok(Ok(p)) if !p.stopped() => was_here = true,
                // An error says that the runner is gone.
                Ok(_) => return,
                Err(_) if self.stopped().is_some() => return,
                Err(_) => {}
            }
        }
    }
}

impl RunningAutomation {
    pub(super) fn parked(&self) -> Vec<Parked> {
        let mut parked: Vec<_> = self.lanes.iter().flat_map(Lane::parked).collect();
        parked.sort_by_key(|parked| parked.since);
        parked
    }

    pub(super) fn status(&self) -> AutomationStatus {
        let progress = |lane: &Lane| lane.shared.progress.borrow().clone();
        AutomationStatus {
            name: self.name,
            positions: self
                .lanes
                .iter()
                .map(|l| (l.log.clone(), progress(l).handled))
                .collect(),
            parked: self.lanes.iter().map(|lane| lane.parked().len()).sum(),
            waiting: {
                let waiting = self.lanes.iter().filter_map(Lane::waiting);
                waiting.min_by_key(|waiting| waiting.since)
            },
            stopped: self.lanes.iter().find_map(Lane::stopped),
        }
    }

    /// Waits until everything in the log up to `position` was handled or parked, or the automation has stopped.
    pub(super) async fn reached(&self, log: &Arc<str>, position: Position) {
        for lane in self.lanes.iter().filter(|lane| lane.log == *log) {
            lane.reached(position).await;
        }
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&self) {
        for lane in &self.lanes {
            let _ = lane
                .shared
                .progress
                .subscribe()
                .wait_for(|progress| progress.ended)
                .await;
        }
    }
}
