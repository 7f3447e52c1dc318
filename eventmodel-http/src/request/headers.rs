//! The headers that say something about a question.

use std::time::Duration;

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use eventmodel::transport::{self, CommandHeaders};

use crate::problem::Problem;

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the headers say about a command.
pub(crate) fn of_command(headers: &HeaderMap) -> Result<CommandHeaders, Problem> {
    Ok(CommandHeaders::read(|name| values(headers, name))?)
}

pub(crate) fn malformed(name: &HeaderName, reason: &str) -> Problem {
    transport::malformed_header(name.as_str(), reason).into()
}

/// The value of a header that may stand there once.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let values = values(headers, name.as_str());
    Ok(transport::single_header(name.as_str(), &values)?)
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    let values = headers.get_all(name).iter();
    values.map(HeaderValue::as_bytes).collect()
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
    use super::*;

    fn headers(fields: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
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
