//! HTTP: what `eventmodel-http` makes of the model, and the routes that devices and people know already.
//!
//! | route | answers |
//! |---|---|
//! | `POST /devices` | registers a device, `{"deviceId": ..}`: 201 with the receipt |
//! | `GET /devices/{id}` | all that is known of it |
//! | `GET /fleet` | how many devices have which status |
//!
//! All else is as the index at `/` says. What goes wrong is a problem document here too.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventmodel::ViewError;
use eventmodel::{App, Projection, Stream};
use eventmodel_http::{Http, Problem};

use crate::command::RegisterDevice;
use crate::model::device::{Device, DeviceId};
use crate::projection::{DeviceRegistry, FleetOverview};

/// The routes of an app.
pub fn router(app: App) -> Router {
    let http = Http::new(app.clone());
    Router::new()
        .route("/devices", post(http.command::<RegisterDevice>()))
        .route("/devices/{id}", get(device))
        .route("/fleet", get(fleet))
        .method_not_allowed_fallback(other_method)
        .with_state(app)
        .merge(http.router())
        // A real platform puts the back office behind a login, or on a port of its own.
        .nest("/admin", http.admin())
}

async fn device(State(app): State<App>, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else {
        let title = "The address cannot be understood";
        return problem(StatusCode::BAD_REQUEST, "malformed-url", title).into_response();
    };
    let key = Device {
        device_id: DeviceId::new(id),
    };
    match newest::<DeviceRegistry>(&app, &key).await {
        Ok(Some(device)) => Json(device).into_response(),
        Ok(None) => {
            let title = "The view has nothing under this key";
            problem(StatusCode::NOT_FOUND, "no-such-instance", title)
                .detail(format!("there is no device `{}`", key.device_id))
                .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn fleet(State(app): State<App>) -> Response {
    match newest::<FleetOverview>(&app, &()).await {
        Ok(fleet) => Json(fleet.unwrap_or_default()).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A view as of everything that is recorded now, so that whoever has registered a device finds it.
async fn newest<P: Projection>(app: &App, key: &P::Key) -> Result<Option<P>, Problem> {
    let log = Device::INFO.log.unwrap_or(app.model().name());
    let end = app.store().last_position(&log.into()).await;
    let end = end.map_err(|error| view_problem(&error.into()))?;
    let view = app.view::<P>().after(end);
    view.get(key).await.map_err(|error| view_problem(&error))
}

fn view_problem(error: &ViewError) -> Problem {
    if error.is_retryable() {
        let title = "The view is not that far yet";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-reached", title).retry_after(1);
    }
    tracing::error!(%error, "a view could not answer");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The server has made a mistake",
    )
}

async fn other_method(method: Method, uri: Uri) -> Response {
    let mut detail = format!("`{method}` is not possible here");
    if uri.path() == "/devices" {
        detail += "; all devices are at `/query/device-registry`";
    }
    let title = "Not with this method";
    problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
        .detail(detail)
        .into_response()
}

/// One of the problems that `eventmodel-http` answers with, too: its type leads to the same page.
fn problem(status: StatusCode, code: &str, title: &'static str) -> Problem {
    Problem::new(status, format!("/problems/{code}"), title).member("code", code)
}
