//! Catching up, and stopping in good order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Inner;
use crate::view::ViewError;
use crate::{Position, StoreError};

/// How long to wait before a store that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(100);

/// The app has stopped before everything was handled. What is left is handled after the next start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped before everything was handled: {behind}")]
pub struct NotDrained {
    behind: String,
}

pub(super) async fn settled(app: &Inner) -> Result<(), ViewError> {
    loop {
        let ends = ends(app).await?;
        for automation in app.running_automations() {
            for (log, end) in &ends {
                automation.reached(log, *end).await;
            }
        }
        // Only when no automation has recorded anything meanwhile is there nothing left to do.
        if self::ends(app).await? != ends {
            continue;
        }
        return views_reached(app, &ends).await;
    }
}

/// Waits for all views, also when one has stopped.
async fn views_reached(app: &Inner, ends: &[(Arc<str>, Position)]) -> Result<(), ViewError> {
    let mut result = Ok(());
    for view in app.views.values() {
        for (log, end) in ends {
            if view.definition.logs.contains(log) {
                result = result.and(view.hosted.reached(log, *end).await);
            }
        }
    }
    result
}

async fn ends(app: &Inner) -> Result<Vec<(Arc<str>, Position)>, StoreError> {
    let mut ends = Vec::new();
    for log in app.model.logs() {
        let end = app.store.last_position(&log.name).await?;
        ends.push((log.name, end));
    }
    Ok(ends)
}

pub(super) async fn shutdown(app: &Inner) -> Result<(), NotDrained> {
    app.closing.store(true, Ordering::Release);
    app.in_flight.close();
    let drained = tokio::time::timeout(app.options.drain_within, async {
        app.in_flight.wait().await;
        loop {
            match settled(app).await {
                Err(error) if error.is_retryable() => tokio::time::sleep(RETRY).await,
                other => return other,
            }
        }
    });
    let behind = match drained.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(behind(app)),
    };
    app.stop.cancel();
    for automation in app.running_automations() {
        automation.stopped().await;
    }
    app.audit.flush().await;
    behind.map_or(Ok(()), |behind| Err(NotDrained { behind }))
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
            view.hosted.status().positions
        )
    });
    automations.chain(views).collect::<Vec<_>>().join(", ")
}
