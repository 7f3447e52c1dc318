//! The key of a view's instance as a key of a KV bucket, and back.
//!
//! A bucket takes only letters, digits, `-`, `_`, `/`, `=` and `.`. The percent signs of a key's text become `=`, and
//! any other character becomes `=` and two hexadecimal digits, as in percent-encoding.

use std::fmt::Write;

/// The key of a view with one instance. No other text gives it: upper-case digits do not follow its `=`.
const SINGLE: &str = "=single";

/// The prefix of the key of a checkpoint, before the name of the log. No instance has such a key.
pub(super) const CHECKPOINT: &str = "=checkpoint.";

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.')
}

/// What stays as it is in a token of a key's text.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'.' | b'*' | b'>' | b'%' | b'$')
}

/// The key in the bucket of the instance with this text.
pub(super) fn encode(text: &str) -> String {
    if text.is_empty() {
        return SINGLE.into();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => out.push('='),
            _ if is_plain(byte) => out.push(char::from(byte)),
            _ => drop(write!(out, "={byte:02X}")),
        }
    }
    out
}

/// The text of an instance's key; `None` if the key is none.
pub(super) fn decode(key: &str) -> Option<String> {
    if key == SINGLE {
        return Some(String::new());
    }
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(byte) = rest.bytes().next() {
        if byte != b'=' {
            out.push(char::from(byte));
            rest = rest.get(1..)?;
            continue;
        }
        rest = &rest[1..];
        // An empty part.
        if rest.is_empty() || rest.starts_with('.') {
            out.push('%');
            continue;
        }
        let digits = rest.get(..2)?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        if !digits.bytes().all(is_hex) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if is_literal(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(digits);
        }
        rest = &rest[2..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use eventmodel::Key;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_can_be_read_in_the_bucket() {
        assert_eq!(encode("1.2022-12-12"), "1.2022-12-12");
        assert_eq!(encode("a%2Eb.%.x~y=z"), "a=2Eb.=.x=7Ey=3Dz");
        assert_eq!(encode(""), "=single");
        assert_eq!(decode("=checkpoint.hotel"), None);
    }

    proptest! {
        #[test]
        fn a_key_comes_back_as_it_was(a in any::<String>(), b in any::<String>()) {
            let text = (a, b).to_text();
            let key = encode(&text);
            let takes = |b: u8| b.is_ascii_alphanumeric() || b"-/_=.".contains(&b);
            prop_assert!(key.bytes().all(takes) && !key.starts_with('.') && !key.ends_with('.'));
            prop_assert!(!key.contains(".."));
            prop_assert_eq!(decode(&key), Some(text));
        }
    }
}
