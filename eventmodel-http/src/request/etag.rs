//! Entity tags, RFC 9110 §8.8.3: a revision in quotes.

use axum::http::HeaderValue;
use eventmodel::record::Cursor;
use eventmodel::transport;

/// The entity tag of a revision.
pub(crate) fn etag(revision: Cursor) -> HeaderValue {
    // Digits, a dot and quotes are always a header value.
    HeaderValue::from_str(&transport::etag(revision)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether `If-None-Match` names this revision. Compared weakly, as the RFC says.
pub(crate) fn none_match_names(field: &str, revision: Cursor) -> bool {
    let own = transport::etag(revision);
    field
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
}

#[cfg(test)]
mod tests {
    use eventmodel::Position;
    use eventmodel::record::Incarnation;

    use super::*;

    #[test]
    fn one_of_several_tags_is_enough() {
        let seven = Cursor::new(Position::new(7), Incarnation::new(1));
        let tag = transport::etag(seven);
        for field in ["*", &tag, &format!("W/{tag}"), &format!("\"6\", {tag}")] {
            assert!(none_match_names(field, seven), "{field}");
        }
        let of_another_log = transport::etag(Cursor::new(Position::new(7), Incarnation::new(2)));
        for field in ["\"6\", \"a\"", &of_another_log] {
            assert!(!none_match_names(field, seven), "{field}");
        }
    }
}
