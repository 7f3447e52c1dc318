//! Entity tags, RFC 9110 §8.8.3: a revision in quotes.

use eventmodel::Position;

/// The revision of a strong entity tag: the one form that this adapter gives.
pub(crate) fn revision(tag: &str) -> Option<Position> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let canonical =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| canonical).map(Position::new)
}

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
    fn only_a_revision_in_quotes_is_one() {
        assert_eq!(revision("\"7\""), Some(Position::new(7)));
        assert_eq!(revision("\"0\""), Some(Position::START));
        for tag in [
            "7",
            "\"7",
            "W/\"7\"",
            "\"07\"",
            "\"+7\"",
            "\"\"",
            "\"a\"",
            "\"7\", \"8\"",
            "*",
            "\"18446744073709551616\"",
        ] {
            assert_eq!(revision(tag), None, "{tag}");
        }
    }

    #[test]
    fn one_of_several_tags_is_enough() {
        let seven = Position::new(7);
        for field in ["*", "\"7\"", "W/\"7\"", "\"6\", \"7\""] {
            assert!(none_match_names(field, seven), "{field}");
        }
        assert!(!none_match_names("\"6\", \"a\"", seven));
    }
}
