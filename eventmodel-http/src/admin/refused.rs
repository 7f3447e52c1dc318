//! What was refused before it was a command.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use eventmodel::transport::Refused;
use jiff::Timestamp;
use serde::Serialize;

use super::Items;
use crate::Http;
use crate::problem::Problem;
use crate::receipt::json;

/// `GET /refused`: how many requests were refused before they were a command, since the process was started: by what
/// was wrong with them.
pub(crate) async fn refused(http: Arc<Http>, _: Request) -> Result<Response, Problem> {
    let items = http.app.refused().iter().map(RefusedBody::of).collect();
    json(StatusCode::OK, &Items { items })
}

#[derive(Serialize)]
struct RefusedBody {
    code: &'static str,
    status: u16,
    title: &'static str,
    requests: u64,
    last: Timestamp,
}

impl RefusedBody {
    fn of(refused: &Refused) -> Self {
        Self {
            code: refused.kind.code,
            status: refused.kind.status,
            title: refused.kind.title,
            requests: refused.requests,
            last: refused.last,
        }
    }
}
