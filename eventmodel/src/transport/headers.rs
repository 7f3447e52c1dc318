//! The headers of a command. They have the same names and the same meaning in all adapters.

use super::failure::CommandContext;
use super::problem::Problem;
use super::request::{is_correlation_id, is_traceparent};
use crate::engine::ExecuteOptions;
use crate::model::CommandInfo;
use crate::record::{CommandId, Cursor, Position};
use crate::transport::kinds;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CORRELATION_ID: &str = "x-correlation-id";
const CAUSATION_ID: &str = "x-causation-id";
const IF_MATCH: &str = "if-match";
const IF_NONE_MATCH: &str = "if-none-match";
const TRACEPARENT: &str = "traceparent";

/// What the headers say about a command.
#[derive(Clone, Debug)]
pub struct CommandHeaders {
    /// `Idempotency-Key`: the id of the command.
    pub id: Option<CommandId>,
    /// `X-Correlation-Id`: the same for everything that follows from the request.
    pub correlation_id: Option<String>,
    causation_id: Option<String>,
    expected: Option<Cursor>,
    traceparent: Option<String>,
}

impl CommandHeaders {
    /// Reads the headers. `values` gives the values of a header by its name in lower case.
    ///
    /// # Errors
    /// A problem that names the header and says what it must look like.
    pub fn read<'a>(values: impl Fn(&str) -> Vec<&'a [u8]>) -> Result<Self, Problem> {
        let single = |name| single_header(name, &values(name));
        let id_of = |name| match single(name)? {
            Some(id) if !is_correlation_id(id) => Err(malformed_header(
                name,
                "it has 1 to 256 bytes and no control characters",
            )),
            id => Ok(id.map(str::to_owned)),
        };
        // An invalid `traceparent` is ignored; it is no error.
        let traceparent = single(TRACEPARENT).ok().flatten();
        Ok(Self {
            correlation_id: id_of(CORRELATION_ID)?,
            causation_id: id_of(CAUSATION_ID)?,
            id: single(IDEMPOTENCY_KEY)?.map(command_id).transpose()?,
            expected: expected_revision(single(IF_MATCH)?, single(IF_NONE_MATCH)?)?,
            traceparent: traceparent
                .filter(|text| is_traceparent(text))
                .map(str::to_owned),
        })
    }

    /// The context for answers about the command. The correlation id of the body takes precedence over that of the
    /// header.
    pub fn context(
        &self,
        correlation_id: Option<String>,
        info: &'static CommandInfo,
        pointer: &'static str,
    ) -> CommandContext {
        let given = correlation_id.or_else(|| self.correlation_id.clone());
        CommandContext {
            info,
            id: self.id.clone(),
            // Every answer has a correlation id, even if nothing was recorded: it leads to the audit trail.
            correlation_id: Some(given.unwrap_or_else(|| CommandId::fresh().to_string())),
            pointer,
        }
    }

    /// The options to execute the command of this context with.
    pub fn options(&self, context: &CommandContext) -> ExecuteOptions {
        let correlation_id = context.correlation_id.as_deref().unwrap_or_default();
        let mut options = ExecuteOptions::new().correlation_id(correlation_id);
        if let Some(id) = &self.id {
            options = options.id(id.clone());
        }
        if let Some(id) = &self.causation_id {
            options = options.causation_id(id.as_str());
        }
        if let Some(expected) = self.expected {
            options = options.expected_revision(expected);
        }
        match &self.traceparent {
            Some(traceparent) => options.traceparent(traceparent.as_str()),
            None => options,
        }
    }
}

/// The problem of a header that cannot be understood.
pub fn malformed_header(name: &str, reason: &str) -> Problem {
    Problem::of(kinds::MALFORMED_HEADER)
        .detail(format!("the header `{name}`: {reason}"))
        .member("header", name)
}

/// The value of a header that may occur once.
///
/// # Errors
/// A problem, if the header occurs more than once or is not visible ASCII.
pub fn single_header<'a>(name: &str, values: &[&'a [u8]]) -> Result<Option<&'a str>, Problem> {
    let visible = |b: &u8| matches!(b, b' '..=b'~' | b'\t');
    match values {
        [] => Ok(None),
        [value] => match std::str::from_utf8(value) {
            Ok(text) if value.iter().all(visible) => Ok(Some(text.trim())),
            _ => Err(malformed_header(
                name,
                "it must consist of visible ASCII characters",
            )),
        },
        _ => Err(malformed_header(name, "it stands there more than once")),
    }
}

/// `Idempotency-Key`: a string of RFC 8941 (`"..."`), or the bare text that many clients send.
fn command_id(text: &str) -> Result<CommandId, Problem> {
    let key = match text.strip_prefix('"') {
        _ if !text.is_ascii() => None,
        Some(quoted) => unquote(quoted),
        None => (!text.contains(['"', ' ', '\t', ','])).then(|| text.to_owned()),
    };
    let key = key.ok_or_else(|| {
        malformed_header(IDEMPOTENCY_KEY, "write one key, as `\"a-key\"` or `a-key`")
    })?;
    CommandId::new(&key).map_err(|error| malformed_header(IDEMPOTENCY_KEY, &error.to_string()))
}

/// The text before the closing quote, which must be the end.
fn unquote(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(out),
            '\\' => match chars.next()? {
                c @ ('"' | '\\') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
}

/// `If-Match: "7.018f5e7a9c3d4b21"`, or `If-None-Match: *` for an instance that must not be there yet.
fn expected_revision(
    matches: Option<&str>,
    none_match: Option<&str>,
) -> Result<Option<Cursor>, Problem> {
    match (matches, none_match) {
        (None, None) => Ok(None),
        (Some(tag), None) => match cursor(tag) {
            Some(cursor) => Ok(Some(cursor)),
            None if is_entity_tag(tag) => Err(Problem::of(kinds::STALE).detail(format!(
                "`If-Match: {tag}` names no revision that this program gives: a weak tag never matches, RFC 9110 §13.1.1"
            ))),
            None => Err(malformed_header(
                IF_MATCH,
                "it must be one revision in quotes, the `ETag` of a receipt: `\"7.018f5e7a9c3d4b21\"`, or `\"7\"`",
            )),
        },
        (None, Some("*")) => Ok(Some(Position::START.into())),
        (None, Some(_)) => Err(malformed_header(
            IF_NONE_MATCH,
            "for a command it can only be `*`: nothing is recorded there yet",
        )),
        (Some(_), Some(_)) => Err(malformed_header(
            IF_NONE_MATCH,
            "it cannot stand beside `If-Match`",
        )),
    }
}

/// The strong entity tag of a revision, RFC 9110 §8.8.3: `"7.018f5e7a9c3d4b21"`.
pub fn etag(revision: Cursor) -> String {
    format!("\"{revision}\"")
}

/// Whether it is one entity tag, weak or strong.
fn is_entity_tag(text: &str) -> bool {
    let strong = text.strip_prefix("W/").unwrap_or(text);
    let inner = strong
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.contains('"'))
}

/// The revision of a strong entity tag.
fn cursor(tag: &str) -> Option<Cursor> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Incarnation;

    #[test]
    fn an_idempotency_key_is_a_quoted_string_or_bare() {
        for (text, id) in [
            ("\"a key\"", "a key"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            (r#""a\"\\""#, r#"a"\"#),
        ] {
            assert_eq!(command_id(text).unwrap().as_str(), id);
        }
        for text in [
            "",
            "\"\"",
            "\"a",
            "\"a\"b",
            "\"a\";p=1",
            "a b",
            "a,b",
            r#""\x""#,
            "é",
            &"x".repeat(257),
        ] {
            assert!(command_id(text).is_err(), "{text}");
        }
        let twice = |name: &str| match name {
            IDEMPOTENCY_KEY => vec![&b"a"[..], b"a"],
            _ => Vec::new(),
        };
        assert!(CommandHeaders::read(twice).is_err());
        assert!(CommandHeaders::read(|_| Vec::new()).unwrap().id.is_none());
    }

    #[test]
    fn a_precondition_is_one_revision_or_nothing_yet() {
        let of_log = Cursor::new(Position::new(7), Incarnation::new(1));
        let tag = etag(of_log);
        let expected =
            |matches, none| expected_revision(matches, none).map_err(|problem| problem.status());
        assert_eq!(expected(None, None), Ok(None));
        assert_eq!(
            expected(Some("\"7\""), None),
            Ok(Some(Position::new(7).into()))
        );
        assert_eq!(expected(Some(&tag), None), Ok(Some(of_log)));
        assert_eq!(expected(None, Some("*")), Ok(Some(Position::START.into())));
        for tag in ["*", "\"7\", \"8\"", "7", "\"7", "\""] {
            assert_eq!(expected(Some(tag), None), Err(400), "{tag}");
        }
        for tag in ["W/\"7\"", "\"of another server\"", "\"\""] {
            assert_eq!(expected(Some(tag), None), Err(412), "{tag}");
        }
        assert_eq!(expected(None, Some("\"7\"")), Err(400));
        assert_eq!(expected(Some("\"7\""), Some("*")), Err(400));
    }

    #[test]
    fn a_trace_that_is_not_valid_is_ignored() {
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(valid));
        assert!(is_traceparent(&valid.replacen("00", "cc", 1)));
        assert!(is_traceparent(&format!(
            "{}-later",
            valid.replacen("00", "cc", 1)
        )));
        for text in [
            "",
            "00",
            "00-0-0-0",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(!is_traceparent(text), "{text}");
        }
    }

    #[test]
    fn only_a_revision_in_quotes_is_one() {
        assert_eq!(cursor("\"7\""), Some(Position::new(7).into()));
        assert_eq!(cursor("\"0\""), Some(Position::START.into()));
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
            assert_eq!(cursor(tag), None, "{tag}");
        }
    }
}
