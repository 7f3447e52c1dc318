//! Problem Details, RFC 9457: how every request that did not succeed is answered.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};
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
pub struct Problem(Box<Inner>);

// On the heap: a problem is the error of most functions here, and rare.
#[derive(Clone, Debug)]
struct Inner {
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

/// What [`Problem::member`] does not set.
const OF_THE_STANDARD: [&str; 4] = ["type", "title", "status", "detail"];

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
        Self(Box::new(Inner {
            status,
            ty,
            title,
            detail: None,
            members: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// One of the adapter's own problems.
    pub(crate) fn of(kind: &'static Kind) -> Self {
        let ty = Type::Ours(kind.code.to_owned());
        Self::with(kind.status, ty, kind.title.into()).member("code", kind.code)
    }

    /// A rejection by the domain.
    pub(crate) fn rejection(command: &str, code: &str, title: String) -> Self {
        let ty = Type::Ours(format!("{command}/{code}"));
        Self::with(StatusCode::CONFLICT, ty, title.into()).member("code", code)
    }

    /// What was wrong this time, for the user.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an extension member. `type`, `title`, `status` and `detail` are none: they stay as they are.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !OF_THE_STANDARD.contains(&name) {
            self.0.members.insert(name.to_owned(), value.into());
        }
        self
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
        self.header(RETRY_AFTER, seconds.into())
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The same problem, with its type written out: the adapter's own are below `base`.
    pub(crate) fn based(mut self, base: &str) -> Self {
        if let Type::Ours(path) = &self.0.ty {
            self.0.ty = Type::Uri(format!("{base}/{path}"));
        }
        self
    }

    /// The document.
    pub(crate) fn to_json(&self) -> String {
        // Text and JSON values are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a reader looks for first stands first.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner {
            status,
            ty,
            title,
            detail,
            members,
            ..
        } = &*self.0;
        let mut document = serializer.serialize_map(None)?;
        match ty {
            Type::Ours(path) => {
                document.serialize_entry("type", &format_args!("{DEFAULT_BASE}/{path}"))?;
            }
            Type::Uri(uri) => document.serialize_entry("type", uri)?,
        }
        document.serialize_entry("title", title)?;
        document.serialize_entry("status", &status.as_u16())?;
        if let Some(detail) = detail {
            document.serialize_entry("detail", detail)?;
        }
        for (name, value) in members {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.0.status, self.to_json()).into_response();
        response.headers_mut().extend(self.0.headers);
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

/// The extension member `errors`: what is wrong where in the body.
pub(crate) fn at(pointer: &str, detail: impl Into<String>) -> Value {
    json!({ "pointer": pointer, "detail": detail.into() })
}

/// The JSON Pointer of a member of the body.
pub(crate) fn pointer_to(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}
