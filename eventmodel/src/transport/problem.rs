//! Problem Details, RFC 9457: the answer to every request that does not succeed.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::kinds::ProblemKind;
use crate::model::json_pointer;
use crate::trouble::excerpt;

/// A problem document, RFC 9457: the answer of every adapter to a request that did not succeed.
///
/// A problem is small however large the request is: at most [`MAX_LEN`](Self::MAX_LEN) bytes. It has the beginning and
/// the end of a text over 1 KiB, and the first items of a list; it leaves out a value that is too large. The member
/// `omitted` says what is missing: `{"errors": {"items": 99900}}`, `{"details": {"bytes": 900000}}`.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

// Boxed, because a problem is the error of most functions of an adapter, and rare.
#[derive(Clone, Debug)]
struct Inner {
    status: u16,
    ty: Type,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    /// What was left out for lack of room.
    omitted: Map<String, Value>,
    kind: Option<&'static ProblemKind>,
    retry_after: Option<u32>,
}

#[derive(Clone, Debug)]
enum Type {
    /// A type that all adapters know, below the base that the application has chosen.
    Known(String),
    Uri(String),
}

/// The members that [`Problem::member`] does not set.
const RESERVED: [&str; 5] = ["type", "title", "status", "detail", "omitted"];

/// How many bytes one extension member may have, so that there is room for others beside it.
const MAX_MEMBER: usize = 8 * 1024;
/// How many bytes all of them may have.
const MAX_MEMBERS: usize = 10 * 1024;
/// How many bytes what is said of others may have.
const MAX_OMITTED: usize = 1024;

impl Problem {
    /// The default base of the types of problems.
    pub const DEFAULT_BASE: &str = "/problems";

    /// How many bytes a document has at most, besides the base of its type.
    pub const MAX_LEN: usize = 16 * 1024;

    /// A problem of this type, which is a URI, with the title of the type.
    pub fn new(
        status: u16,
        problem_type: impl Into<String>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::with(status, Type::Uri(problem_type.into()), title.into())
    }

    fn with(status: u16, ty: Type, title: Cow<'static, str>) -> Self {
        let ty = match ty {
            Type::Known(path) => Type::Known(excerpt(path)),
            Type::Uri(uri) => Type::Uri(excerpt(uri)),
        };
        let title = match title {
            Cow::Borrowed(title) => title.into(),
            Cow::Owned(title) => excerpt(title).into(),
        };
        Self(Box::new(Inner {
            status,
            ty,
            title,
            detail: None,
            members: Map::new(),
            omitted: Map::new(),
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

    /// Sets what was wrong this time, for the user.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(excerpt(detail.into()));
        self
    }

    /// Adds an extension member. It does not change `type`, `title`, `status`, `detail` and `omitted`, which are none.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if RESERVED.contains(&name) {
            return self;
        }
        let Inner {
            members, omitted, ..
        } = &mut *self.0;
        members.remove(name);
        omitted.remove(name);
        let room = MAX_MEMBERS.saturating_sub(len_of(members) + len_of(name));
        let (value, left_out) = fitting(value.into(), room.min(MAX_MEMBER));
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
        if let Some(left_out) = left_out
            && len_of(omitted) + len_of(name) + len_of(&left_out) <= MAX_OMITTED
        {
            omitted.insert(name.to_owned(), left_out);
        }
        self
    }

    /// Sets after how many seconds the same request may succeed.
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

    /// The kind of the problem, if it is one that all adapters know.
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

/// The members come in the order in which a reader looks for them.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner {
            status,
            ty,
            title,
            detail,
            members,
            omitted,
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
        if !omitted.is_empty() {
            document.serialize_entry("omitted", omitted)?;
        }
        document.end()
    }
}

/// The part of a value that fits into this many bytes, and how much is left out.
fn fitting(value: Value, room: usize) -> (Option<Value>, Option<Value>) {
    match value {
        Value::Array(mut items) if room >= 2 => {
            let mut len = 2;
            let fit = items.iter().take_while(|item| {
                len += len_of(item) + 1;
                len <= room
            });
            let fit = fit.count();
            let left_out = items.len() - fit;
            items.truncate(fit);
            let left_out = (left_out > 0).then(|| json!({ "items": left_out }));
            (Some(items.into()), left_out)
        }
        value => match len_of(&value) {
            len if len <= room => (Some(value), None),
            len => (None, Some(json!({ "bytes": len }))),
        },
    }
}

/// How many bytes a value has as JSON.
fn len_of(value: &(impl Serialize + ?Sized)) -> usize {
    // Text and JSON values are always JSON.
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// An item of the extension member `errors`: what is wrong where in the body.
pub fn at(pointer: &str, detail: impl Into<String>) -> Value {
    json!({ "pointer": excerpt(pointer.to_owned()), "detail": excerpt(detail.into()) })
}

/// The JSON Pointer of a member of the body.
pub fn pointer_to(member: &str) -> String {
    json_pointer(&[member])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_never_larger_than_it_may_be() {
        let long = "\u{1}\"🦀x".repeat(10_000);
        let mut problem = Problem::new(500, long.clone(), long.clone()).detail(long.clone());
        let list = vec![at(&long, long.as_str()); 9];
        for n in 0..200 {
            problem = problem
                .member(&format!("list{n}"), list.clone())
                .member(&format!("text{n}"), long.as_str())
                .member(&format!("small{n}"), n);
        }
        let json = problem.member(&long, long.as_str()).to_json();
        assert!(json.len() <= Problem::MAX_LEN, "{}", json.len());
        let document: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(document["list0"].as_array().unwrap().len(), 4);
        assert_eq!(document["omitted"]["list0"], json!({ "items": 5 }));
        assert!(document["omitted"]["text0"]["bytes"].as_u64() > Some(100_000));
    }

    #[test]
    fn a_large_list_leaves_room_for_what_is_said_beside_it() {
        let errors: Vec<Value> = (0..100_000).map(|n| at("/data", n.to_string())).collect();
        let id = "\"".repeat(256);
        let problem = Problem::new(422, "t", "t").member("errors", errors);
        let problem = problem
            .member("commandId", &*id)
            .member("correlationId", &*id);
        assert_eq!(problem.get("commandId").unwrap(), &*id);
        assert_eq!(problem.get("correlationId").unwrap(), &*id);
    }
}
