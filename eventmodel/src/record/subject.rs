//! The address of one stream instance, and patterns over such addresses.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::token::{SubjectToken, TokenError, decode_token, encode_token};
use crate::record::string_pool;

/// A literal NATS subject, such as `booking.1.2022-12-12`: the address of one stream instance.
///
/// A [`Stream`](crate::Stream) makes it from its key, so it never holds a wildcard. Clones are cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Arc<str>);

impl Subject {
    /// The longest subject that a stream may have, in bytes. NATS advises to stay under 256; a server's protocol line
    /// ends at 4,096 bytes, everything else in it included.
    pub const MAX_LEN: usize = 1024;

    /// A subject from its text.
    ///
    /// # Errors
    /// [`SubjectError::TooLong`]; [`SubjectError::Malformed`] if a token is empty, holds a wildcard or white
    /// space, or the subject starts with `$`.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        if text.len() > Self::MAX_LEN {
            return Err(SubjectError::too_long(text));
        }
        let malformed = |reason| SubjectError::Malformed {
            subject: text.to_owned(),
            reason,
        };
        if text.starts_with('$') {
            return Err(malformed(
                "subjects that start with `$` belong to the server",
            ));
        }
        for token in text.split('.') {
            if token.is_empty() {
                return Err(malformed("a token is empty"));
            }
            if token
                .bytes()
                .any(|b| !b.is_ascii_graphic() || b == b'*' || b == b'>')
            {
                return Err(malformed(
                    "a token holds a wildcard, white space or a character outside ASCII",
                ));
            }
        }
        Ok(Self(text.into()))
    }

    /// The text of the subject.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens, still encoded.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for Subject {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Subject {
    type Error = SubjectError;

    fn try_from(text: String) -> Result<Self, SubjectError> {
        Self::new(&text)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0.as_ref().to_owned()
    }
}

/// Why a key has no subject, or a subject no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The subject would be longer than [`Subject::MAX_LEN`]. Use a shorter key.
    #[error("the subject `{start}…` has {len} bytes, more than the {max} allowed: use a shorter key", max = Subject::MAX_LEN)]
    TooLong {
        /// How it starts.
        start: String,
        /// Its length in bytes.
        len: usize,
    },
    /// The text is not a literal subject.
    #[error("`{subject}` is not a subject: {reason}")]
    Malformed {
        /// The text.
        subject: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The subject is not one of this stream.
    #[error("`{subject}` does not fit the template `{template}`")]
    OtherTemplate {
        /// The subject.
        subject: String,
        /// The template of the stream.
        template: &'static str,
    },
    /// A token of the subject is not a value of its field.
    #[error("field `{field}` of `{subject}`: {source}")]
    Token {
        /// The subject.
        subject: String,
        /// The field of the key.
        field: &'static str,
        /// What is wrong with the token.
        source: TokenError,
    },
}

impl SubjectError {
    fn too_long(text: &str) -> Self {
        Self::TooLong {
            start: text.chars().take(64).collect(),
            len: text.len(),
        }
    }
}

/// Writes the subject of a stream instance, token by token. Used by `#[derive(Stream)]`.
#[derive(Debug, Default)]
pub struct SubjectWriter(String);

impl SubjectWriter {
    /// An empty subject.
    pub fn new() -> Self {
        Self(string_pool::take())
    }

    /// A part of the template that is not a field, with its dots.
    #[inline]
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    /// The value of a field.
    pub fn token(&mut self, value: &impl SubjectToken) -> &mut Self {
        encode_token(value, &mut self.0);
        self
    }

    /// The subject.
    ///
    /// # Errors
    /// [`SubjectError::TooLong`].
    pub fn finish(self) -> Result<Subject, SubjectError> {
        if self.0.len() > Subject::MAX_LEN {
            return Err(SubjectError::too_long(&self.0));
        }
        let subject = Subject(self.0.as_str().into());
        string_pool::give_back(self.0);
        Ok(subject)
    }
}

/// Reads the fields of a key back from a subject. Used by `#[derive(Stream)]`.
#[derive(Debug)]
pub struct SubjectReader<'a> {
    subject: &'a Subject,
    template: &'static str,
    rest: Option<&'a str>,
}

impl<'a> SubjectReader<'a> {
    /// Reads `subject`, which should fit `template`.
    pub fn new(subject: &'a Subject, template: &'static str) -> Self {
        Self {
            subject,
            template,
            rest: Some(subject.as_str()),
        }
    }

    fn misfit(&self) -> SubjectError {
        SubjectError::OtherTemplate {
            subject: self.subject.to_string(),
            template: self.template,
        }
    }

    fn next_token(&mut self) -> Result<&'a str, SubjectError> {
        let rest = self.rest.ok_or_else(|| self.misfit())?;
        let (token, rest) = match rest.split_once('.') {
            Some((token, rest)) => (token, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Ok(token)
    }

    /// Reads the next token, which must be this literal.
    ///
    /// # Errors
    /// [`SubjectError::OtherTemplate`] if it is not.
    pub fn literal(&mut self, literal: &str) -> Result<(), SubjectError> {
        if self.next_token()? == literal {
            Ok(())
        } else {
            Err(self.misfit())
        }
    }

    /// Reads the next token as the value of `field`.
    ///
    /// # Errors
    /// [`SubjectError::Token`] if it is not a `T`, [`SubjectError::OtherTemplate`] if there is none.
    pub fn token<T: SubjectToken>(&mut self, field: &'static str) -> Result<T, SubjectError> {
        let token = self.next_token()?;
        decode_token(token)
            .and_then(|text| T::parse_token(&text))
            .map_err(|source| SubjectError::Token {
                subject: self.subject.to_string(),
                field,
                source,
            })
    }

    /// Checks that no token is left.
    ///
    /// # Errors
    /// [`SubjectError::OtherTemplate`] if there is.
    pub fn finish(self) -> Result<(), SubjectError> {
        if self.rest.is_none() {
            Ok(())
        } else {
            Err(self.misfit())
        }
    }
}

/// A pattern over subjects with the wildcards of NATS: `*` is one token, a last `>` is one or more.
///
/// ```
/// use eventmodel::record::{Subject, SubjectPattern};
///
/// let december_12 = SubjectPattern::new("booking.*.2022-12-12").unwrap();
/// assert!(december_12.matches(&Subject::new("booking.1.2022-12-12").unwrap()));
/// assert!(!december_12.matches(&Subject::new("booking.1.2022-12-13").unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubjectPattern(Arc<str>);

impl SubjectPattern {
    /// A pattern from its text.
    ///
    /// # Errors
    /// [`SubjectError::Malformed`] if a token is empty, mixes a wildcard with text, or `>` is not the last one.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        let malformed = |reason| SubjectError::Malformed {
            subject: text.to_owned(),
            reason,
        };
        let mut tokens = text.split('.').peekable();
        while let Some(token) = tokens.next() {
            match token {
                "" => return Err(malformed("a token is empty")),
                ">" if tokens.peek().is_some() => {
                    return Err(malformed("`>` can only be the last token"));
                }
                "*" | ">" => {}
                other
                    if other
                        .bytes()
                        .any(|b| !b.is_ascii_graphic() || b == b'*' || b == b'>') =>
                {
                    return Err(malformed("a wildcard must be a token of its own"));
                }
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    /// For text that the macros checked when the program was compiled.
    pub(crate) fn checked(text: &str) -> Self {
        Self(text.into())
    }

    /// The text of the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the subject fits the pattern.
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.tokens();
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (_, None) => return false,
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether some subject fits both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut ours = self.0.split('.');
        let mut theirs = other.0.split('.');
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
                (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
                (Some(a), Some(b)) if a == b => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for SubjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Subject> for SubjectPattern {
    fn from(subject: &Subject) -> Self {
        Self(subject.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_literal_subject_is_refused() {
        for text in ["", "a..b", "a.*", ">", "a b", "$JS.API", ".a", "a.", "a.é"] {
            assert!(Subject::new(text).is_err(), "{text}");
        }
        assert!(matches!(
            Subject::new(&"x".repeat(2000)),
            Err(SubjectError::TooLong { len: 2000, .. })
        ));
    }

    #[test]
    fn patterns_overlap_when_a_subject_fits_both() {
        let overlap = |a: &str, b: &str| {
            SubjectPattern::new(a)
                .unwrap()
                .overlaps(&SubjectPattern::new(b).unwrap())
        };
        assert!(overlap("a.*", "*.b"));
        assert!(overlap("a.>", "a.b.c"));
        assert!(!overlap("a.*", "a.*.c"));
        assert!(!overlap("a.*", "b.*"));
        assert!(!overlap("a.>", "a"));
    }
}
