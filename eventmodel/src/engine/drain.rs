//! Catching up, and stopping in good order.
//!
//! Others may record without end meanwhile, so the app does not wait for the end of a log. It waits for a [`Cut`]: the
//! events that were recorded when the cut was made, and those that automations recorded in reaction to them. The log
//! tells which these are: each event names the automation that recorded it, and the event that caused it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;

use super::app::Inner;
use crate::record::{Metadata, Position, RecordedEvent};
use crate::store::{Item, Read, StoreError, ViewError};

/// How long to wait before asking a store again that did not answer.
const RETRY: Duration = Duration::from_millis(100);

/// How often to read a log from the same position.
const ATTEMPTS: u32 = 10;

/// Why an app did not stop in good order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDrained {
    /// The app stopped before everything was handled. It handles the rest after the next start.
    #[error("stopped before everything was handled; it is after the next start: {behind}")]
    Behind {
        /// What was not finished, or why it could not be.
        behind: String,
    },
    /// A handler of an automation has called [`App::shutdown`](crate::App::shutdown), which would wait for that handler.
    /// Nothing has stopped. Let the handler tell the task that owns the app, and return.
    #[error(
        "nothing has stopped: `shutdown` was called in a handler of the automation `{automation}`, which it would wait for; let the handler tell the task that owns the app, and return"
    )]
    InHandler {
        /// The automation.
        automation: &'static str,
    },
}

type Ends = BTreeMap<Arc<str>, Position>;

/// The positions up to which everything must be handled.
struct Cut {
    /// The position in each log. It rises when an event is found that follows from the cut.
    ends: Ends,
    after: After,
}

/// The events after the cut, as far as they have been read.
struct After {
    automations: BTreeSet<&'static str>,
    read: Ends,
    /// The causes of the events that automations recorded, and `None` for the other events. Events that follow from the
    /// cut are taken out; so an event that is not here follows from the cut or is part of it.
    causes: HashMap<Arc<str>, Option<Arc<str>>>,
    /// The events of automations of which it is not known yet whether they follow from the cut.
    open: Vec<Open>,
}

struct Open {
    log: Arc<str>,
    position: Position,
    id: Arc<str>,
}

impl Cut {
    async fn now(app: &Inner) -> Result<Self, StoreError> {
        let ends = ends(app).await?;
        let automations = app.model.automations();
        Ok(Self {
            after: After {
                automations: automations.iter().map(|a| a.info().ty.name).collect(),
                read: ends.clone(),
                causes: HashMap::new(),
                open: Vec::new(),
            },
            ends,
        })
    }

    /// Waits until everything is handled. After an error it may be called again.
    async fn reached(&mut self, app: &Inner) -> Result<(), ViewError> {
        loop {
            for automation in app.running_automations() {
                for (log, end) in &self.ends {
                    automation.reached(log, *end).await;
                }
            }
            if !self.rise(app).await? {
                return views_reached(app, &self.ends).await;
            }
        }
    }

    /// Whether automations have recorded events in reaction to those of the cut. The cut then includes these.
    async fn rise(&mut self, app: &Inner) -> Result<bool, StoreError> {
        if self.after.automations.is_empty() {
            return Ok(false);
        }
        let effects = ends(app).await?;
        if effects == self.ends {
            return Ok(false);
        }
        // The cause of an effect, perhaps in another log, was recorded before it.
        let causes = ends(app).await?;
        for (log, end) in &causes {
            self.after.read(app, log, *end).await?;
        }
        let mut rises = false;
        for (log, position) in self.after.follow(&effects) {
            if let Some(end) = self.ends.get_mut(&log)
                && *end < position
            {
                (*end, rises) = (position, true);
            }
        }
        Ok(rises)
    }
}

impl After {
    /// Reads on, up to this position. The reader may be interrupted a few times.
    async fn read(&mut self, app: &Inner, log: &Arc<str>, end: Position) -> Result<(), StoreError> {
        let mut failures = 0;
        loop {
            let before = self.read.get(log).copied().unwrap_or_default();
            let Err(error) = self.read_once(app, log, before, end).await else {
                return Ok(());
            };
            if self.read.get(log).is_some_and(|read| *read > before) {
                failures = 0;
            }
            failures += 1;
            if !error.is_retryable() || failures == ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn read_once(
        &mut self,
        app: &Inner,
        log: &Arc<str>,
        mut after: Position,
        end: Position,
    ) -> Result<(), StoreError> {
        while after < end {
            let mut items = app.store.read(Read::new(log.clone()).after(after));
            while after < end {
                match items.next().await {
                    Some(Ok(item)) => {
                        after = item.position();
                        // The cause of what cannot be read cannot be believed. The automation that handles it reports it.
                        if let Item::Event(event) = item {
                            self.add(log, &event);
                        }
                    }
                    Some(Err(error)) => return Err(error),
                    None => after = end,
                }
                self.read.insert(log.clone(), after);
            }
        }
        Ok(())
    }

    fn add(&mut self, log: &Arc<str>, event: &RecordedEvent) {
        let Metadata {
            id,
            source,
            causation_id,
            ..
        } = event.metadata();
        let id: Arc<str> = id.as_str().into();
        let cause = causation_id.clone();
        let cause = cause.filter(|_| self.automations.contains(&**source));
        if cause.is_some() {
            self.open.push(Open {
                log: log.clone(),
                position: event.position(),
                id: id.clone(),
            });
        }
        self.causes.insert(id, cause);
    }

    /// The positions of the events, up to these ends, that follow from the cut.
    fn follow(&mut self, ends: &Ends) -> Vec<(Arc<str>, Position)> {
        let known = |open: &mut Open| ends.get(&open.log).is_some_and(|end| open.position <= *end);
        let open: Vec<Open> = self.open.extract_if(.., known).collect();
        let mut follow = Vec::new();
        for Open { log, position, id } in open {
            if self.follows(&id) {
                self.causes.remove(&id);
                follow.push((log, position));
            } else {
                self.causes.insert(id, None);
            }
        }
        follow
    }

    fn follows(&self, id: &Arc<str>) -> bool {
        let mut id = id;
        // Ids that two logs share could lead in a circle.
        for _ in 0..=self.causes.len() {
            match self.causes.get(id) {
                Some(Some(cause)) => id = cause,
                Some(None) => return false,
                None => return true,
            }
        }
        true
    }
}

pub(super) async fn settled(app: &Inner) -> Result<(), ViewError> {
    Cut::now(app).await?.reached(app).await
}

/// Waits for all views, also when one has stopped.
async fn views_reached(app: &Inner, ends: &Ends) -> Result<(), ViewError> {
    let mut result = Ok(());
    for view in app.views.values() {
        for (log, end) in ends {
            if view.definition.logs.contains(log) {
                result = result.and(view.progress.reached(log, *end).await);
            }
        }
    }
    result
}

async fn ends(app: &Inner) -> Result<Ends, StoreError> {
    let mut ends = Ends::new();
    for log in &app.logs {
        let end = app.store.last_position(log).await?;
        ends.insert(log.clone(), end);
    }
    Ok(ends)
}

pub(super) async fn shutdown(app: &Inner) -> Result<(), NotDrained> {
    app.closing.store(true, Ordering::Release);
    app.in_flight.close();
    let drained = tokio::time::timeout(app.options.drain_within, async {
        app.in_flight.wait().await;
        let mut cut = loop {
            match Cut::now(app).await {
                Err(error) if error.is_retryable() => tokio::time::sleep(RETRY).await,
                Err(error) => return Err(error.into()),
                Ok(cut) => break cut,
            }
        };
        loop {
            match cut.reached(app).await {
                Err(error) if error.is_retryable() => tokio::time::sleep(RETRY).await,
                other => return other,
            }
        }
    });
    let behind = match drained.await {
        Ok(Ok(())) => None,
        Ok(Err::<_, ViewError>(error)) => Some(error.to_string()),
        Err(_) => Some(behind(app)),
    };
    app.stop.cancel();
    for automation in app.running_automations() {
        automation.ended().await;
    }
    app.audit.flush().await;
    behind.map_or(Ok(()), |behind| Err(NotDrained::Behind { behind }))
}

fn behind(app: &Inner) -> String {
    let automations = app.running_automations().iter().map(|automation| {
        let status = automation.status();
        format!("{} is at {:?}", status.name, status.positions)
    });
    let views = app.views.values().map(|view| {
        format!(
            "{} is at {:?}",
            view.definition.name(),
            view.progress.status().positions
        )
    });
    automations.chain(views).collect::<Vec<_>>().join(", ")
}
