//! Values that can stand in a subject.
//!
//! A type writes its plain text and reads it back. This module alone decides how text becomes a NATS token, so that no
//! value can add a token, match a wildcard, or reach a `$` subject of the server.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

/// A value that can be one token of a subject, such as the `{room}` of `booking.{room}.{date}`.
///
/// Derive it for a struct with one field; it is implemented for integers, `bool`, `char`, strings,
/// [`uuid::Uuid`] and the dates of `jiff` (of `chrono` and `time` with the features of these names).
///
/// Two different values must write two different texts, and `parse_token` must give the value back: a token is
/// the identity of a stream instance.
///
/// ```
/// use std::fmt;
/// use eventmodel::record::TokenError;
/// use eventmodel::SubjectToken;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Floor(i8);
///
/// impl SubjectToken for Floor {
///     fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
///         write!(out, "{}", self.0)
///     }
///     fn parse_token(text: &str) -> Result<Self, TokenError> {
///         text.parse().map(Floor).map_err(|e| TokenError::new::<Self>(text, e))
///     }
/// }
/// assert_eq!(Floor::parse_token("-1").unwrap(), Floor(-1));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a subject",
    label = "not a `SubjectToken`",
    note = "integers, `bool`, `char`, strings, `Uuid` and dates can; for a struct with one such field write `#[derive(SubjectToken)]`",
    note = "for a struct with several fields name the field in the template: `{{room.id}}`"
)]
pub trait SubjectToken: Sized {
    /// Writes the plain text of the value. It is encoded for NATS afterwards.
    ///
    /// # Errors
    /// Only errors of `out`.
    fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result;

    /// Reads the value back from its plain text.
    ///
    /// # Errors
    /// [`TokenError`] if the text is not what `write_token` writes.
    fn parse_token(text: &str) -> Result<Self, TokenError>;
}

/// A text that is not the token of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {expected}: {reason}")]
pub struct TokenError {
    text: String,
    expected: &'static str,
    reason: String,
}

impl TokenError {
    /// `text` is not a `T`, because of `reason`.
    pub fn new<T>(text: &str, reason: impl fmt::Display) -> Self {
        let path = std::any::type_name::<T>();
        let short = path.rsplit("::").next().unwrap_or(path);
        Self {
            text: text.chars().take(80).collect(),
            expected: short,
            reason: reason.to_string(),
        }
    }
}

/// Encodes plain text as one token. It percent-encodes what has a meaning in NATS (`.`, `*`, `>`, white space, control
/// characters, a `$`), `%`, and everything outside ASCII.
pub(crate) struct TokenEncoder<'a>(pub(crate) &'a mut String);

impl Write for TokenEncoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let is_plain =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'*' | b'>' | b'%' | b'$');
        // Most texts are plain as a whole.
        if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
            self.0.push_str(text);
            return Ok(());
        }
        for byte in text.bytes() {
            if is_plain(byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push('%');
                self.0.push(char::from(HEX[usize::from(byte >> 4)]));
                self.0.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        Ok(())
    }
}

/// The token of the empty text. No other text gives it, because two digits always follow the `%` of a value.
const EMPTY: &str = "%";

pub(crate) fn encode_token(value: &impl SubjectToken, out: &mut String) {
    let start = out.len();
    // Writing to a `String` cannot fail; a type that reports an error anyway has written what it could.
    let _ = value.write_token(&mut TokenEncoder(out));
    if out.len() == start {
        out.push_str(EMPTY);
    }
}

/// The plain text of a token, if it is in the one form that `encode_token` gives.
pub(crate) fn decode_token(token: &str) -> Result<Cow<'_, str>, TokenError> {
    if token == EMPTY {
        return Ok(Cow::Borrowed(""));
    }
    let text = percent_encoding::percent_decode_str(token)
        .decode_utf8()
        .map_err(|e| TokenError::new::<String>(token, e))?;
    let mut again = String::with_capacity(token.len());
    let _ = TokenEncoder(&mut again).write_str(&text);
    if again == token {
        Ok(text)
    } else {
        Err(TokenError::new::<String>(
            token,
            "it is not encoded as a subject token is",
        ))
    }
}

macro_rules! by_text {
    ($($type:ty),*: |$self:ident, $out:ident| $write:expr) => {$(
        impl SubjectToken for $type {
            fn write_token(&$self, $out: &mut dyn fmt::Write) -> fmt::Result {
                $write
            }
            fn parse_token(text: &str) -> Result<Self, TokenError> {
                let value: Self = text.parse().map_err(|e| TokenError::new::<Self>(text, e))?;
                canonical(text, value)
            }
        }
    )*};
}

/// `+1`, `01` and `1` are one number; only the text that `write_token` writes names the instance.
fn canonical<T: SubjectToken>(text: &str, value: T) -> Result<T, TokenError> {
    let mut again = String::with_capacity(text.len());
    let _ = value.write_token(&mut again);
    if again == text {
        Ok(value)
    } else {
        Err(TokenError::new::<T>(text, format_args!("write `{again}`")))
    }
}

// The usual keys, without the machinery of formats.
by_text!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize:
    |self, out| out.write_str(itoa::Buffer::new().format(*self)));
by_text!(bool, char, uuid::Uuid,
    jiff::civil::Date, jiff::civil::DateTime, jiff::civil::Time, jiff::Timestamp:
    |self, out| write!(out, "{self}"));

#[cfg(feature = "chrono")]
by_text!(chrono::NaiveDate: |self, out| write!(out, "{self}"));

#[cfg(feature = "chrono")]
impl SubjectToken for chrono::DateTime<chrono::Utc> {
    fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(&self.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
    fn parse_token(text: &str) -> Result<Self, TokenError> {
        let value = text.parse().map_err(|e| TokenError::new::<Self>(text, e))?;
        canonical(text, value)
    }
}

#[cfg(feature = "time")]
impl SubjectToken for time::Date {
    fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let format = time::macros::format_description!("[year]-[month]-[day]");
        out.write_str(&self.format(&format).map_err(|_| fmt::Error)?)
    }
    fn parse_token(text: &str) -> Result<Self, TokenError> {
        let format = time::macros::format_description!("[year]-[month]-[day]");
        let value = Self::parse(text, &format).map_err(|e| TokenError::new::<Self>(text, e))?;
        canonical(text, value)
    }
}

#[cfg(feature = "time")]
impl SubjectToken for time::OffsetDateTime {
    fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let format = time::format_description::well_known::Rfc3339;
        out.write_str(&self.format(&format).map_err(|_| fmt::Error)?)
    }
    fn parse_token(text: &str) -> Result<Self, TokenError> {
        let format = time::format_description::well_known::Rfc3339;
        let value = Self::parse(text, &format).map_err(|e| TokenError::new::<Self>(text, e))?;
        canonical(text, value)
    }
}

macro_rules! by_str {
    ($($type:ty),* $(,)?) => {$(
        impl SubjectToken for $type {
            fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                out.write_str(self)
            }
            fn parse_token(text: &str) -> Result<Self, TokenError> {
                Ok(text.into())
            }
        }
    )*};
}

by_str!(String, Box<str>, Arc<str>);

impl SubjectToken for Cow<'_, str> {
    fn write_token(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(self)
    }
    fn parse_token(text: &str) -> Result<Self, TokenError> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        encode_token(&text.to_owned(), &mut out);
        out
    }

    #[test]
    fn what_nats_gives_a_meaning_is_encoded() {
        assert_eq!(encoded("a.b"), "a%2Eb");
        assert_eq!(encoded("*"), "%2A");
        assert_eq!(encoded(">"), "%3E");
        assert_eq!(encoded("$JS"), "%24JS");
        assert_eq!(encoded("a b\n\0"), "a%20b%0A%00");
        assert_eq!(encoded("%2E"), "%252E");
        assert_eq!(encoded("é"), "%C3%A9");
        assert_eq!(encoded(""), "%");
        assert_eq!(encoded("plain-Text_1~"), "plain-Text_1~");
    }

    #[test]
    fn only_the_written_form_is_read() {
        for token in ["%2e", "%41", "a.b", "%", "%%", "%C3", "é"] {
            let decoded = decode_token(token);
            assert_eq!(decoded.is_ok(), token == "%", "{token}: {decoded:?}");
        }
        assert!(u32::parse_token("01").is_err());
        assert!(u32::parse_token("+1").is_err());
        assert_eq!(u32::parse_token("1").unwrap(), 1);
    }
}
