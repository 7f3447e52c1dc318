//! Problem Details, RFC 9457: how every request that did not succeed is answered.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::kinds::ProblemKind;

/// A problem document, RFC 9457: the answer to a request that did not succeed, whatever it came by.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

// On the heap: a problem is the error of most functions of an adapter, and rare.
#[derive(Clone, Debug)]
struct Inner {
    status: u16,
    ty: Type,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    kind: Option<&'static ProblemKind>,
    retry_after: Option<u32>,
}

#[derive(Clone, Debug)]
enum Type {
    /// One of those that all adapters know, below the base that the application has chosen.
    Known(String),
    Uri(String),
}

/// What [`Problem::member`] does not set.
const OF_THE_STANDARD: [&str; 4] = ["type", "title", "status", "detail"];

impl Problem {
    /// Where the types of problems stand, unless the application says otherwise.
    pub const DEFAULT_BASE: &str = "/problems";

    /// A problem of this type, which is a URI, with the title of the type.
    pub fn new(
        status: u16,
        problem_type: impl Into<String>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::with(status, Type::Uri(problem_type.into()), title.into())
    }

    fn with(status: u16, ty: Type, title: Cow<'static, str>) -> Self {
        Self(Box::new(Inner {
            status,
            ty,
            title,
            detail: None,
            members: Map::new(),
            kind: None,
            retry_after: None,
        }))
    }

    /// One of the problems that all adapters know.
    pub fn of(kind: &'static ProblemKind) -> Self {
        let ty = Type::Known(kind.code.to_owned());
        let mut problem = Self::with(kind.status, ty, kind.title.into()).member("code", kind.code);
        problem.0.kind = Some(kind);
        problem
    }

    /// A rejection by the domain.
    pub(super) fn rejection(command: &str, code: &str, title: String) -> Self {
        let ty = Type::Known(format!("{command}/{code}"));
        Self::with(409, ty, title.into()).member("code", code)
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

    /// After how many seconds the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The status, as in HTTP.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// What it is, in a line.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Which of the problems it is that all adapters know.
    pub fn kind(&self) -> Option<&'static ProblemKind> {
        self.0.kind
    }

    /// After how many seconds the same request may succeed, if it says so.
    pub fn retries_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// An extension member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.members.get(name)
    }

    /// The same problem, with its type written out: those that all adapters know are below `base`.
    #[must_use]
    pub fn based(mut self, base: &str) -> Self {
        if let Type::Known(path) = &self.0.ty {
            self.0.ty = Type::Uri(format!("{base}/{path}"));
        }
        self
    }

    /// The document.
    pub fn to_json(&self) -> String {
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
            Type::Known(path) => {
                let base = Self::DEFAULT_BASE;
                document.serialize_entry("type", &format_args!("{base}/{path}"))?;
            }
            Type::Uri(uri) => document.serialize_entry("type", uri)?,
        }
        document.serialize_entry("title", title)?;
        document.serialize_entry("status", status)?;
        if let Some(detail) = detail {
            document.serialize_entry("detail", detail)?;
        }
        for (name, value) in members {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

/// An item of the extension member `errors`: what is wrong where in the body.
pub fn at(pointer: &str, detail: impl Into<String>) -> Value {
    json!({ "pointer": pointer, "detail": detail.into() })
}

/// The JSON Pointer of a member of the body.
pub fn pointer_to(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}
