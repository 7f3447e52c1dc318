//! HTTP: what `eventmodel-http` makes of the model, and the routes that devices and people know already.
//!
//! | route | answers |
//! |---|---|
//! | `POST /devices` | registers a device, `{"deviceId": ..}`: 201 with the receipt |
//! | `GET /devices/{id}` | all that is known of it |
//! | `GET /fleet` | how many devices have which status |
//!
//! All else is as the index at `/` says. What goes wrong is a problem document here too.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, http::Uri};
use eventmodel::view::ViewError;
use eventmodel::{App, Projection, Stream};
use eventmodel_http::{Http, Problem};
use serde::Serialize;

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
        let status = StatusCode::BAD_REQUEST;
        return Problem::new(
            status,
            "/problems/malformed-url",
            "The address cannot be understood",
        )
        .into_response();
    };
    let key = Device {
        device_id: DeviceId::new(id),
    };
    match newest::<DeviceRegistry>(&app, &key).await {
        Ok(Some(device)) => Json(device).into_response(),
        Ok(None) => {
            let Device { device_id } = key;
            Problem::new(
                StatusCode::NOT_FOUND,
                "/problems/no-such-device",
                "There is no such device",
            )
            .detail(format!("nothing is recorded of `{device_id}`"))
            .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn fleet(State(app): State<App>) -> Response {
    answer(newest::<FleetOverview>(&app, &()).await)
}

fn answer<T: Serialize + Default>(value: Result<Option<T>, Problem>) -> Response {
    match value {
        Ok(value) => Json(value.unwrap_or_default()).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A view as of everything that is recorded now, so that whoever has registered a device finds it.
async fn newest<P: Projection>(app: &App, key: &P::Key) -> Result<Option<P>, Problem> {
    let unavailable = || {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(
            status,
            "/problems/not-reached",
            "The view is not that far yet",
        )
        .retry_after(1)
    };
    let log = Device::INFO.log.unwrap_or(app.model().name());
    let end = app
        .store()
        .last_position(&log.into())
        .await
        .map_err(|_| unavailable())?;
    app.view::<P>()
        .after(end)
        .get(key)
        .await
        .map_err(|error: ViewError| {
            if error.is_retryable() {
                return unavailable();
            }
            tracing::error!(%error, "a view could not answer");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(
                status,
                "/problems/internal",
                "The server has made a mistake",
            )
        })
}

async fn other_method(method: Method, uri: Uri) -> Response {
    let mut detail = format!("`{method}` is not possible here");
    if uri.path() == "/devices" {
        detail += "; all devices are at `/query/device-registry`";
    }
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(
        status,
        "/problems/method-not-allowed",
        "Not with this method",
    )
    .detail(detail)
    .into_response()
}
