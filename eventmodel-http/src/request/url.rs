//! Paths and queries. A part of a path is the plain text of a part of a key, percent-encoded, whatever it contains;
//! so this is stricter than what form decoding does: text that is not well encoded is refused, never guessed.

use std::fmt::Write;
use std::str::FromStr;

use axum::extract::{OriginalUri, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::problem::{Problem, kinds};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What stands after the route in a path, and what stands before it.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where the router is mounted: empty, or `/api`.
    pub(crate) mount: String,
    /// The plain text of the segments after the route.
    pub(crate) parts: Vec<String>,
}

impl Target {
    pub(crate) fn of(request: &Request, route: &str) -> Result<Self, Problem> {
        let path = request.uri().path();
        let rest = path.strip_prefix(route).unwrap_or_default();
        let parts = match rest.strip_prefix('/') {
            Some(rest) => rest
                .split('/')
                .map(|segment| decode(segment, "the path"))
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            mount: mount(request),
            parts,
        })
    }
}

/// Where the router is mounted: what the routers above it have taken from the path.
pub(crate) fn mount(request: &Request) -> String {
    let own = request.uri().path();
    let original = request.extensions().get::<OriginalUri>();
    let original = original.map_or(own, |original| original.path());
    let mount = original.strip_suffix(own).unwrap_or(match own {
        // A nested router sees `/` where the client has asked for `/api`.
        "/" => original,
        _ => "",
    });
    mount.trim_end_matches('/').to_owned()
}

/// The parameters of a query.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        let query = request.uri().query().unwrap_or_default();
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let plain = |text: &str| decode(&text.replace('+', " "), "the query");
                Ok((plain(name)?, plain(value)?))
            });
        Ok(Self(pairs.collect::<Result<_, Problem>>()?))
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may stand there once.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(bad_parameter(name, "it stands there more than once")),
        }
    }

    /// As [`one`](Self::one), as a number or whatever else it must be.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let parse = |text: &str| {
            let error = || bad_parameter(name, &format!("it must be {expected}"));
            text.parse().map_err(|_| error())
        };
        self.one(name)?.map(parse).transpose()
    }
}

pub(crate) fn bad_parameter(name: &str, reason: &str) -> Problem {
    Problem::of(kinds::MALFORMED_URL)
        .detail(format!("the parameter `{name}`: {reason}"))
        .member("parameter", name)
}

fn decode(text: &str, place: &str) -> Result<String, Problem> {
    let malformed =
        |reason: &str| Problem::of(kinds::MALFORMED_URL).detail(format!("{place}: {reason}"));
    let bytes = text.as_bytes();
    let is_escape = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && !is_escape(at)) {
        return Err(malformed(
            "a `%` must be followed by two hexadecimal digits; `%` itself is `%25`",
        ));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(malformed("what it encodes is not UTF-8")),
    }
}

/// A link, relative to the server.
#[derive(Debug)]
pub(crate) struct Href {
    text: String,
    has_query: bool,
}

impl Href {
    /// The instance of a view, or the instances under the first parts of a key.
    pub(crate) fn view<'a>(
        mount: &str,
        address: &str,
        key: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let mut href = Self {
            text: format!("{mount}/query/{}", encode(address)),
            has_query: false,
        };
        // Clients and proxies take such segments away, however they are encoded.
        if key
            .clone()
            .into_iter()
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return key
                .into_iter()
                .fold(href, |href, part| href.param("key", part));
        }
        for part in key {
            href.text.push('/');
            href.text.push_str(&encode(part));
        }
        href
    }

    pub(crate) fn at(mount: &str, path: &str) -> Self {
        Self {
            text: format!("{mount}{path}"),
            has_query: false,
        }
    }

    pub(crate) fn param(mut self, name: &str, value: &str) -> Self {
        let separator = if self.has_query { '&' } else { '?' };
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{separator}{name}={}", encode(value));
        self.has_query = true;
        self
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(uri: &str) -> Request {
        Request::builder().uri(uri).body(Body::empty()).unwrap()
    }

    #[test]
    fn a_segment_is_the_plain_text_of_a_part() {
        let parts = |uri| Target::of(&request(uri), "/query").map(|target| target.parts);
        assert_eq!(parts("/query").unwrap(), Vec::<String>::new());
        assert_eq!(parts("/query/a").unwrap(), ["a"]);
        assert_eq!(parts("/query/a/").unwrap(), ["a", ""]);
        assert_eq!(parts("/query/a//b").unwrap(), ["a", "", "b"]);
        assert_eq!(parts("/query/a/b%2Fc+%C3%A9%00").unwrap(), ["a", "b/c+é\0"]);
        assert_eq!(parts("/query/../.").unwrap(), ["..", "."]);
        for broken in [
            "/query/%",
            "/query/%4",
            "/query/%zz",
            "/query/%FF",
            "/query/%C3",
        ] {
            assert!(parts(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_may_stand_there_once() {
        let params = Params::of(&request("/?a=1&b=x+y%2B&a=2&c&=d")).unwrap();
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.one("b").unwrap(), Some("x y+"));
        assert_eq!(params.one("c").unwrap(), Some(""));
        assert_eq!(params.one("d").unwrap(), None);
        assert!(params.one("a").is_err());
        assert!(params.parsed::<u64>("b", "a number").is_err());
        assert!(Params::of(&request("/?a=%FF")).is_err());
    }

    #[test]
    fn a_link_leads_to_the_key_it_was_made_of() {
        for key in [
            vec![],
            vec!["1", "2022-12-12"],
            vec!["a/b", "é\0%"],
            vec![".."],
            vec!["a", ""],
        ] {
            let href = Href::view("", "my-view", key.iter().copied())
                .param("after", "7")
                .into_string();
            let request = request(&href);
            let mut parts = Target::of(&request, "/query/my-view").unwrap().parts;
            let params = Params::of(&request).unwrap();
            parts.extend(params.all("key").map(str::to_owned));
            assert_eq!(parts, key);
            let gets_lost = |segment| matches!(segment, "" | "." | "..");
            assert!(
                !request.uri().path()[1..].split('/').any(gets_lost),
                "{href}"
            );
            assert_eq!(params.one("after").unwrap(), Some("7"));
        }
    }
}
