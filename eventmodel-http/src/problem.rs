//! Problem Details, RFC 9457: how every request that did not succeed is answered.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub(crate) mod failure;
pub(crate) mod kinds;
pub(crate) mod pages;

use kinds::Kind;

/// Where the types of problems stand, unless [`Http::problem_types`](crate::Http::problem_types) says otherwise.
pub(crate) const DEFAULT_BASE: &str = "/problems";

/// A problem document, RFC 9457: the answer to a request that did not succeed.
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
pub struct Problem {
    status: StatusCode,
    ty: Type,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

#[derive(Clone, Debug)]
enum Type {
    /// One of the adapter's, below the base that the application has chosen.
    Ours(String),
    Uri(String),
}

impl Problem {
    /// A problem of this type, which is a URI, with the title of the type.
    pub fn new(
        status: StatusCode,
        problem_type: impl Into<String>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::with(status, Type::Uri(problem_type.into()), title.into())
    }

    fn with(status: StatusCode, ty: Type, title: Cow<'static, str>) -> Self {
        Self {
            status,
            ty,
            title,
            detail: None,
            members: Map::new(),
            headers: HeaderMap::new(),
        }
    }

    /// One of the adapter's own problems.
    pub(crate) fn of(kind: &'static Kind) -> Self {
        let problem = Self::with(
            kind.status,
            Type::Ours(kind.code.to_owned()),
            Cow::Borrowed(kind.title),
        );
        problem.member("code", kind.code)
    }

    /// A rejection by the domain.
    pub(crate) fn rejection(command: &str, code: &str, title: String) -> Self {
        let ty = Type::Ours(format!("{command}/{code}"));
        Self::with(StatusCode::CONFLICT, ty, Cow::Owned(title)).member("code", code)
    }

    /// What was wrong this time, for the user.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds an extension member. The members of the standard (`type`, `title`, `status`, `detail`) go before it.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, seconds.into())
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document, with the adapter's own types below `base`.
    pub(crate) fn document(&self, base: &str) -> Value {
        let ty = match &self.ty {
            Type::Ours(path) => format!("{base}/{path}"),
            Type::Uri(uri) => uri.clone(),
        };
        let mut members = self.members.clone();
        members.insert("type".into(), ty.into());
        members.insert("title".into(), self.title.as_ref().into());
        members.insert("status".into(), self.status.as_u16().into());
        match &self.detail {
            Some(detail) => members.insert("detail".into(), detail.as_str().into()),
            None => members.remove("detail"),
        };
        Value::Object(members)
    }

    /// The same problem, with its type written out.
    pub(crate) fn based(mut self, base: &str) -> Self {
        if let Type::Ours(path) = &self.ty {
            self.ty = Type::Uri(format!("{base}/{path}"));
        }
        self
    }

    pub(crate) fn answer(self, base: &str) -> Response {
        let body = self.document(base).to_string();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, body).into_response();
        response.headers_mut().extend(self.headers);
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.answer(DEFAULT_BASE)
    }
}

/// The extension member `errors`: what is wrong where in the body.
pub(crate) fn at(pointer: &str, detail: impl Into<String>) -> Value {
    json!({ "pointer": pointer, "detail": detail.into() })
}
