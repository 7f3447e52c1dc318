//! `GET /health`: the process answers. `GET /ready`: it can answer from all its views, and its automations run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::Position;
use eventmodel::ViewError;
use eventmodel::engine::AnyView;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::Http;
use crate::problem::Problem;
use crate::receipt::json as answer;

pub(crate) async fn health(_: Arc<Http>, _: Request) -> Result<Response, Problem> {
    answer(StatusCode::OK, &json!({ "status": "up" }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    status: &'static str,
    views: Vec<ViewHealth>,
    automations: Vec<AutomationHealth>,
}

#[derive(Serialize)]
struct ViewHealth {
    name: &'static str,
    status: &'static str,
    positions: BTreeMap<Arc<str>, Position>,
    /// How often it has gone on past something that cannot be read and is nothing that it handles.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
}

#[derive(Serialize)]
struct AutomationHealth {
    name: &'static str,
    status: &'static str,
    positions: BTreeMap<Arc<str>, Position>,
    /// What it waits for. It goes on by itself, so it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingBody>,
    /// How many stream instances it has set aside. It goes on with the others, so it is ready.
    parked: usize,
}

#[derive(Serialize)]
struct WaitingBody {
    since: Timestamp,
    error: String,
}

pub(crate) async fn ready(http: Arc<Http>, _: Request) -> Result<Response, Problem> {
    let mut views = Vec::new();
    for (_, view) in http.views.iter() {
        views.push(view_health(view).await);
    }
    let automations: Vec<_> = http
        .app
        .automations()
        .into_iter()
        .map(|automation| AutomationHealth {
            name: automation.name,
            status: if automation.stopped.is_none() {
                "running"
            } else {
                "stopped"
            },
            positions: automation.positions,
            waiting: automation.waiting.map(|waiting| WaitingBody {
                since: waiting.since,
                error: waiting.error,
            }),
            parked: automation.parked,
        })
        .collect();
    let running = views.iter().all(|view| view.status == "running")
        && automations
            .iter()
            .all(|automation| automation.status == "running");
    let (code, status) = if running {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not-ready")
    };
    answer(
        code,
        &Ready {
            status,
            views,
            automations,
        },
    )
}

async fn view_health(view: &AnyView) -> ViewHealth {
    let status = match view.ready(None, Duration::ZERO).await {
        _ if view.status().stopped.is_some() => "stopped",
        Ok(()) => "running",
        Err(ViewError::NotReached { .. }) => "catching-up",
        Err(_) => "stopped",
    };
    let now = view.status();
    ViewHealth {
        name: view.info().ty.name,
        status,
        positions: now.positions,
        unread: Some(now.unread).filter(|unread| *unread > 0),
    }
}
