//! What a projection is keyed by.

use std::fmt::Debug;
use std::hash::Hash;

use crate::record::{SubjectToken, TokenError, decode_token, encode_token};

/// The key of a projection: a stream, one [`SubjectToken`], a tuple of up to four, or `()` for a projection that
/// has one instance.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a projection",
    label = "not a key",
    note = "a key is a stream, one `SubjectToken` (integer, string, uuid, date, or a struct that derives it), or a tuple of them"
)]
pub trait Key: Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// How many tokens it has.
    const LEN: usize;

    /// Writes its tokens.
    fn write_key(&self, out: &mut KeyWriter);

    /// Reads it back.
    ///
    /// # Errors
    /// [`KeyError`] if the tokens are not those of a key of this type.
    fn read_key(tokens: &mut KeyReader<'_>) -> Result<Self, KeyError>;

    /// The key as text: its tokens, encoded as in a subject, joined by `.`.
    fn to_text(&self) -> String {
        let mut out = KeyWriter::default();
        self.write_key(&mut out);
        out.0
    }

    /// The key from its text.
    ///
    /// # Errors
    /// [`KeyError`] if it is not the text of a key of this type.
    fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut reader = KeyReader {
            tokens: if text.is_empty() { None } else { Some(text) },
            seen: 0,
        };
        let key = Self::read_key(&mut reader)?;
        if reader.tokens.is_some() {
            return Err(KeyError::Length {
                expected: Self::LEN,
                text: text.to_owned(),
            });
        }
        Ok(key)
    }
}

/// Text that is not the key of a projection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Too few or too many parts.
    #[error("the key has {expected} part(s); `{text}` has another number")]
    Length {
        /// How many parts a key has.
        expected: usize,
        /// The text.
        text: String,
    },
    /// A part does not fit its type.
    #[error("part {index} of the key: {source}")]
    Part {
        /// Which part, from 1.
        index: usize,
        /// What is wrong with it.
        source: TokenError,
    },
}

/// Writes the text of a key.
#[derive(Debug, Default)]
pub struct KeyWriter(String);

impl KeyWriter {
    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds a part.
    pub fn token(&mut self, value: &impl SubjectToken) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        encode_token(value, &mut self.0);
        self
    }
}

/// Reads a key from its text.
#[derive(Debug)]
pub struct KeyReader<'a> {
    tokens: Option<&'a str>,
    seen: usize,
}

impl KeyReader<'_> {
    /// The next part.
    ///
    /// # Errors
    /// [`KeyError`] if there is none, or it is not a `T`.
    pub fn token<T: SubjectToken>(&mut self, len: usize) -> Result<T, KeyError> {
        let text = self.tokens.ok_or_else(|| KeyError::Length {
            expected: len,
            text: String::new(),
        })?;
        let (token, rest) = match text.split_once('.') {
            Some((token, rest)) => (token, Some(rest)),
            None => (text, None),
        };
        self.tokens = rest;
        self.seen += 1;
        decode_token(token)
            .and_then(|text| T::parse_token(&text))
            .map_err(|source| KeyError::Part {
                index: self.seen,
                source,
            })
    }
}

/// The plain text of the parts of a key.
pub(crate) fn parts(key: &str) -> Result<Vec<String>, KeyError> {
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let decode = |(i, token)| {
        decode_token(token)
            .map(std::borrow::Cow::into_owned)
            .map_err(|source| KeyError::Part {
                index: i + 1,
                source,
            })
    };
    key.split('.').enumerate().map(decode).collect()
}

#[diagnostic::do_not_recommend]
impl<T> Key for T
where
    T: SubjectToken + Clone + Debug + Eq + Hash + Send + Sync + 'static,
{
    const LEN: usize = 1;

    fn write_key(&self, out: &mut KeyWriter) {
        out.token(self);
    }

    fn read_key(tokens: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        tokens.token(1)
    }
}

impl Key for () {
    const LEN: usize = 0;

    fn write_key(&self, _: &mut KeyWriter) {}

    fn read_key(_: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($len:literal: $($name:ident $index:tt),*))*) => {$(
        impl<$($name),*> Key for ($($name,)*)
        where
            $($name: SubjectToken + Clone + Debug + Eq + Hash + Send + Sync + 'static),*
        {
            const LEN: usize = $len;

            fn write_key(&self, out: &mut KeyWriter) {
                $(out.token(&self.$index);)*
            }

            fn read_key(tokens: &mut KeyReader<'_>) -> Result<Self, KeyError> {
                Ok(($(tokens.token::<$name>($len)?,)*))
            }
        }
    )*};
}

tuples! {
    (1: A 0)
    (2: A 0, B 1)
    (3: A 0, B 1, C 2)
    (4: A 0, B 1, C 2, D 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_what_they_write() {
        let key = (String::from("a.b"), 7u8, String::new());
        assert_eq!(key.to_text(), "a%2Eb.7.%");
        assert_eq!(
            <(String, u8, String)>::from_text(&key.to_text()).unwrap(),
            key
        );
        assert_eq!(<()>::from_text(&().to_text()).unwrap(), ());
    }

    #[test]
    fn text_of_another_length_or_type_is_an_error() {
        assert!(matches!(
            <(u8, u8)>::from_text("1"),
            Err(KeyError::Length { expected: 2, .. })
        ));
        assert!(matches!(
            u8::from_text("1.2"),
            Err(KeyError::Length { expected: 1, .. })
        ));
        assert!(matches!(
            <(u8, u8)>::from_text("1.x"),
            Err(KeyError::Part { index: 2, .. })
        ));
    }
}
