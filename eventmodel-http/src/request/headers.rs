//! The headers that say something about a command or a question.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use eventmodel::{CommandId, ExecuteOptions, Position};

use super::etag;
use crate::problem::{Problem, kinds};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest correlation id, in bytes: that of a command id, which it is if nothing else is said.
pub(crate) const MAX_CORRELATION_ID: usize = CommandId::MAX_LEN;

/// What the headers say about a command.
#[derive(Debug)]
pub(crate) struct CommandHeaders {
    pub(crate) id: Option<CommandId>,
    pub(crate) correlation_id: Option<String>,
    expected: Option<Position>,
    traceparent: Option<String>,
}

impl CommandHeaders {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let correlation_id = single(headers, &CORRELATION_ID)?;
        if correlation_id.is_some_and(|id| !is_correlation_id(id)) {
            return Err(malformed(
                &CORRELATION_ID,
                "it has 1 to 256 bytes and no control characters",
            ));
        }
        Ok(Self {
            id: idempotency_key(headers)?,
            correlation_id: correlation_id.map(str::to_owned),
            expected: expected_revision(headers)?,
            traceparent: traceparent(headers).map(str::to_owned),
        })
    }

    /// For an execution with this correlation id.
    pub(crate) fn options(&self, correlation_id: &str) -> ExecuteOptions {
        let mut options = ExecuteOptions::new().correlation_id(correlation_id);
        if let Some(id) = &self.id {
            options = options.id(id.clone());
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

pub(crate) fn is_correlation_id(text: &str) -> bool {
    (1..=MAX_CORRELATION_ID).contains(&text.len()) && !text.chars().any(char::is_control)
}

pub(crate) fn malformed(name: &HeaderName, reason: &str) -> Problem {
    Problem::of(kinds::MALFORMED_HEADER)
        .detail(format!("the header `{name}`: {reason}"))
        .member("header", name.as_str())
}

/// The value of a header that may stand there once.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(malformed(
                name,
                "it must consist of visible ASCII characters",
            )),
        },
        (Some(_), Some(_)) => Err(malformed(name, "it stands there more than once")),
    }
}

/// `Idempotency-Key`: a string of RFC 8941 (`"..."`), or the bare text that many clients send.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<CommandId>, Problem> {
    let Some(text) = single(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted),
        None => (!text.contains(['"', ' ', '\t', ','])).then(|| text.to_owned()),
    };
    let key =
        key.ok_or_else(|| malformed(&IDEMPOTENCY_KEY, "write one key, as `\"a-key\"` or `a-key`"))?;
    match CommandId::new(&key) {
        Ok(id) => Ok(Some(id)),
        Err(error) => Err(malformed(&IDEMPOTENCY_KEY, &error.to_string())),
    }
}

/// What stands before the closing quote, which must be the end.
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

/// `If-Match: "7"`, or `If-None-Match: *` for an instance that must not be there yet.
fn expected_revision(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    match (
        single(headers, &IF_MATCH)?,
        single(headers, &IF_NONE_MATCH)?,
    ) {
        (None, None) => Ok(None),
        (Some(tag), None) => match etag::revision(tag) {
            Some(revision) => Ok(Some(revision)),
            None => Err(malformed(
                &IF_MATCH,
                "it must be one revision in quotes, the `ETag` of a receipt: `\"7\"`",
            )),
        },
        (None, Some("*")) => Ok(Some(Position::START)),
        (None, Some(_)) => Err(malformed(
            &IF_NONE_MATCH,
            "for a command it can only be `*`: nothing is recorded there yet",
        )),
        (Some(_), Some(_)) => Err(malformed(
            &IF_NONE_MATCH,
            "it cannot stand beside `If-Match`",
        )),
    }
}

/// `traceparent`, if it is valid: the W3C says that one that is not starts no trace and is no error.
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = single(headers, &TRACEPARENT).ok()??;
    let mut fields = text.split('-');
    let mut field = |len: usize| {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        fields
            .next()
            .filter(|field| field.len() == len && field.bytes().all(hex))
    };
    let (version, trace, span) = (field(2)?, field(32)?, field(16)?);
    field(2)?;
    let all_zero = |text: &str| text.bytes().all(|b| b == b'0');
    let ended = fields.next().is_none();
    let valid =
        version != "ff" && !all_zero(trace) && !all_zero(span) && (ended || version != "00");
    // Of a later version, whatever it adds is not ours to judge; more than this is not a trace context.
    (valid && text.len() <= 256).then_some(text)
}

/// `Prefer: wait=2`, RFC 7240. What is not understood is not preferred.
pub(crate) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers
        .get_all(&PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    fields
        .flat_map(|field| field.split(','))
        .find_map(|preference| {
            // Parameters of the preference stand after a semicolon.
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            let seconds = value.trim().trim_matches('"').parse().ok()?;
            name.trim()
                .eq_ignore_ascii_case("wait")
                .then_some(Duration::from_secs(seconds))
        })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn an_idempotency_key_is_a_quoted_string_or_bare() {
        let key = |text| idempotency_key(&headers(&[(&IDEMPOTENCY_KEY, text)]));
        for (text, id) in [
            ("\"a key\"", "a key"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            (r#""a\"\\""#, r#"a"\"#),
        ] {
            assert_eq!(key(text).unwrap().unwrap().as_str(), id);
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
            assert!(key(text).is_err(), "{text}");
        }
        assert!(
            idempotency_key(&headers(&[
                (&IDEMPOTENCY_KEY, "a"),
                (&IDEMPOTENCY_KEY, "a")
            ]))
            .is_err()
        );
        assert!(idempotency_key(&HeaderMap::new()).unwrap().is_none());
    }

    #[test]
    fn a_precondition_is_one_revision_or_nothing_yet() {
        let expected =
            |fields: &[(&HeaderName, &str)]| expected_revision(&headers(fields)).map_err(|_| ());
        assert_eq!(expected(&[]), Ok(None));
        assert_eq!(
            expected(&[(&IF_MATCH, "\"7\"")]),
            Ok(Some(Position::new(7)))
        );
        assert_eq!(
            expected(&[(&IF_NONE_MATCH, "*")]),
            Ok(Some(Position::START))
        );
        for tag in ["*", "W/\"7\"", "\"7\", \"8\"", "7"] {
            assert_eq!(expected(&[(&IF_MATCH, tag)]), Err(()), "{tag}");
        }
        assert_eq!(expected(&[(&IF_NONE_MATCH, "\"7\"")]), Err(()));
        assert_eq!(
            expected(&[(&IF_MATCH, "\"7\""), (&IF_NONE_MATCH, "*")]),
            Err(())
        );
    }

    #[test]
    fn a_trace_that_is_not_valid_is_ignored() {
        let read = |text: &str| traceparent(&headers(&[(&TRACEPARENT, text)])).is_some();
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(read(valid));
        assert!(read(&valid.replacen("00", "cc", 1)));
        assert!(read(&format!("{}-later", valid.replacen("00", "cc", 1))));
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
            assert!(!read(text), "{text}");
        }
    }

    #[test]
    fn a_wait_can_be_preferred_among_others() {
        let wait = |text| preferred_wait(&headers(&[(&PREFER, text)])).map(|wait| wait.as_secs());
        for text in [
            "wait=2",
            "respond-async, WAIT=2",
            "wait=\"2\"",
            "wait=2; x=1",
            "wait = 2",
        ] {
            assert_eq!(wait(text), Some(2), "{text}");
        }
        for text in ["", "wait", "wait=", "wait=-1", "wait=2.5", "respond-async"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }
}
