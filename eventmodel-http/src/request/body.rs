//! The body of a request: JSON, bounded in size and in time.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue, header};
use eventmodel::transport::{self, JsonText, is_json};
use futures_util::StreamExt;
use http_body_util::LengthLimitError;
use tokio::time::{Instant, timeout_at};

use crate::problem::{Problem, kinds};

/// How much of a body that is too large is read and thrown away, so that the client is there to read the answer:
/// closing a connection that still receives resets it.
const DISCARDED: usize = 4 * 1024 * 1024;

/// How much memory an announced length is worth before anything has arrived.
const RESERVED: usize = 64 * 1024;

/// The body as JSON.
pub(crate) async fn json(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    deadline: Instant,
) -> Result<JsonText, Problem> {
    media_type(headers)?;
    let bytes = timeout_at(deadline, bytes(headers, body, limit))
        .await
        .map_err(|_| {
            Problem::of(kinds::TOO_SLOW).header(CONNECTION, HeaderValue::from_static("close"))
        })??;
    Ok(JsonText::read(&bytes).map_err(transport::Problem::from)?)
}

fn media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |detail: &str| {
        Err(Problem::of(kinds::MEDIA_TYPE)
            .detail(detail)
            .header(header::ACCEPT, HeaderValue::from_static("application/json")))
    };
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| coding != "identity")
    {
        return unsupported("a content encoding is not understood here");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(given), None) = (types.next(), types.next()) else {
        return unsupported("one header `Content-Type: application/json` is needed");
    };
    if is_json(given.to_str().unwrap_or_default()) {
        Ok(())
    } else {
        unsupported("`Content-Type` must be `application/json`, in UTF-8")
    }
}

async fn bytes(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::of(kinds::BODY_TOO_LARGE)
            .detail(format!("a body may have {limit} bytes"))
            .member("limit", limit)
            .header(CONNECTION, HeaderValue::from_static("close"))
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|len| len.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|len| len > limit) && headers.contains_key(EXPECT) {
        // The client waits to be told whether it may send it.
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let mut all = Vec::with_capacity(announced.unwrap_or(0).min(limit).min(RESERVED));
    let mut seen = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            if is_length_limit(&error) {
                return Problem::of(kinds::BODY_TOO_LARGE);
            }
            Problem::of(kinds::MALFORMED_BODY).detail("the body did not arrive whole")
        })?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            all.extend_from_slice(&chunk);
        } else if seen > limit.saturating_add(DISCARDED) {
            break;
        }
    }
    if seen > limit {
        Err(too_large())
    } else {
        Ok(all)
    }
}

/// Whether a layer of the application limits bodies more than this adapter does.
fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}
