//! Problem Details, RFC 9457, as answers of HTTP.

use std::borrow::Cow;

use axum::http::header::{CONNECTION, CONTENT_TYPE, ETAG, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use eventmodel::transport::{self, ProblemKind};
use eventmodel::{__limited as limited, ViewError};
use serde_json::Value;

pub(crate) mod pages;

pub(crate) use eventmodel::transport::{at, kinds, pointer_to};

/// A problem document, RFC 9457: the answer to a request that did not succeed.
///
/// It stays small, however much you put into it: see [`eventmodel::transport::Problem`].
///
/// The adapter answers with these; a handler of your own can do so too.
///
/// ```
/// use axum::http::StatusCode;
/// use axum::response::IntoResponse;
/// use eventmodel_http::Problem;
///
/// let response = Problem::new(StatusCode::FORBIDDEN, "/problems/not-your-booking", "Not your booking")
///     .detail("room 7 was booked by someone else")
///     .member("room", 7)
///     .into_response();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

// On the heap: a problem is the error of most functions here, and rare.
#[derive(Clone, Debug)]
struct Inner {
    document: transport::Problem,
    headers: HeaderMap,
}

impl From<transport::Problem> for Problem {
    fn from(document: transport::Problem) -> Self {
        let mut headers = HeaderMap::new();
        let code = document.kind().map_or("", |kind| kind.code);
        if code == kinds::SHUTTING_DOWN.code {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if code == kinds::STALE.code {
            let etag = document.get("etag").and_then(Value::as_str);
            let etag = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
            headers.extend(etag.map(|etag| (ETAG, etag)));
        }
        Self(Box::new(Inner { document, headers }))
    }
}

impl Problem {
    /// A problem of this type, which is a URI, with the title of the type.
    pub fn new(
        status: StatusCode,
        problem_type: impl Into<String>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        transport::Problem::new(status.as_u16(), problem_type, title).into()
    }

    /// One of the adapter's own problems.
    pub(crate) fn of(kind: &'static ProblemKind) -> Self {
        transport::Problem::of(kind).into()
    }

    /// What was wrong this time, for the user.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.map(|document| document.detail(detail))
    }

    /// Adds an extension member. It cannot replace `type`, `title`, `status`, `detail` or `omitted`.
    #[must_use]
    pub fn member(self, name: &str, value: impl Into<Value>) -> Self {
        self.map(|document| document.member(name, value))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.map(|document| document.retry_after(seconds))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        // One that is none can only be a mistake of the program.
        StatusCode::from_u16(self.0.document.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The same problem, with its type written out: the adapter's own are below `base`.
    pub(crate) fn based(self, base: &str) -> Self {
        self.map(|document| document.based(base))
    }

    /// The document, for all adapters.
    pub(crate) fn document(&self) -> &transport::Problem {
        &self.0.document
    }

    /// The document as JSON.
    pub(crate) fn to_json(&self) -> String {
        self.0.document.to_json()
    }

    fn map(mut self, change: impl FnOnce(transport::Problem) -> transport::Problem) -> Self {
        self.0.document = change(self.0.document);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status(), self.to_json()).into_response();
        if let Some(seconds) = self.0.document.retries_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.headers_mut().extend(self.0.headers);
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

pub(crate) fn of_view(error: &ViewError) -> Problem {
    let detail = error.to_string();
    match error {
        ViewError::NotInModel { .. } => Problem::of(kinds::UNKNOWN_VIEW).detail(detail),
        ViewError::NotReached { wanted, at, .. } => Problem::of(kinds::NOT_REACHED)
            .detail(detail)
            .member("wanted", wanted.get())
            .member("position", at.get())
            .retry_after(1),
        ViewError::Undecodable { .. } | ViewError::Panicked { .. } => {
            limited!(ERROR, "a view that has stopped was asked", %error);
            Problem::of(kinds::VIEW_STOPPED)
        }
        ViewError::Key { .. } => Problem::of(kinds::INVALID_KEY).detail(detail),
        ViewError::OtherLog { .. } | ViewError::WhichLog { .. } => {
            Problem::of(kinds::MALFORMED_URL)
                .detail(format!(
                    "{detail}; as parameters: `?after=<position>&log=<log>`"
                ))
                .member("parameter", "log")
        }
        ViewError::ShutDown => Problem::of(kinds::SHUTTING_DOWN).retry_after(1),
        ViewError::Store(error) => transport::of_store(error).into(),
        _ => {
            limited!(ERROR, "a view could not answer", %error);
            Problem::of(kinds::INTERNAL)
        }
    }
}
