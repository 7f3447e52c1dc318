//! Entity tags, RFC 9110 §8.8.3: a revision in quotes.

use eventmodel::Position;
use eventmodel::transport::revision;

/// Whether `If-None-Match` names this position. Compared weakly, as the RFC says.
pub(crate) fn none_match_names(field: &str, position: Position) -> bool {
    field
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || revision(tag.strip_prefix("W/").unwrap_or(tag)) == Some(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_tags_is_enough() {
        let seven = Position::new(7);
        for field in ["*", "\"7\"", "W/\"7\"", "\"6\", \"7\""] {
            assert!(none_match_names(field, seven), "{field}");
        }
        assert!(!none_match_names("\"6\", \"a\"", seven));
    }
}
