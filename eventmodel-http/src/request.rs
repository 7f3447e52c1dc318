//! Reading requests. Each request is understood, or answered with a problem that says what was wrong.

pub(crate) mod body;
pub(crate) mod etag;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod url;
