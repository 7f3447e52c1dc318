//! Receipts and recorded events as JSON.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use eventmodel::Receipt;
use eventmodel::engine::AnyView;
use eventmodel::record::Cursor;
use eventmodel::transport::{ReceiptBody, internal};
use serde::Serialize;

use crate::Http;
use crate::problem::Problem;
use crate::request::etag::etag;
use crate::request::url::Href;

/// 201 with the receipt; 200 if nothing was recorded, because nothing had to be.
pub(crate) fn answer(receipt: &Receipt) -> Result<Response, Problem> {
    let body = ReceiptBody::of(receipt);
    let status = if receipt.events.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = json(status, &body)?;
    let revision = Cursor::new(receipt.revision, receipt.incarnation);
    response.headers_mut().insert(ETAG, etag(revision));
    Ok(response)
}

/// Where to see what was recorded: the first view of the story that shows it, not before it does.
pub(crate) fn location(http: &Http, mount: &str, receipt: &Receipt) -> Option<HeaderValue> {
    let shown = |view: &AnyView| {
        let mut keys = receipt.events.iter().map(|event| view.key_of(event));
        // An event that a view cannot read stops the view; it is no reason to withhold the receipt.
        keys.find_map(|key| AnyView::parts(&key.ok()??).ok())
    };
    let (address, parts) = http
        .views
        .iter()
        .find_map(|(address, view)| Some((address, shown(view)?)))?;
    let after = Cursor::new(receipt.position, receipt.incarnation);
    let href = Href::view(mount, address, parts.iter().map(String::as_str))
        .param("after", &after.to_string())
        .param("log", &receipt.log);
    HeaderValue::from_str(&href.into_string()).ok()
}

/// JSON that is as fresh as the moment.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| internal(&error, "writing JSON"))?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((status, headers, body).into_response())
}
