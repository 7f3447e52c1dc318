//! The address of the device's network card.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The address of the device's network card: `00:1b:44:11:3a:b7`.
#[derive(
    Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[garde(transparent)]
#[serde(transparent)]
pub struct MacAddress(#[garde(custom(allowed))] String);

impl MacAddress {
    /// An address from any text; [`Validate`] says whether it is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(address: &str, _: &impl Sized) -> garde::Result {
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    if address.split(':').count() == 6 && address.split(':').all(pair) {
        return Ok(());
    }
    Err(garde::Error::new(
        "must be six pairs of hexadecimal digits: `00:1b:44:11:3a:b7`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_six_pairs_of_digits() {
        assert!(MacAddress::new("00:1B:44:11:3a:b7").validate().is_ok());
        for address in [
            "",
            "00:1b:44:11:3a",
            "00:1b:44:11:3a:b7:00",
            "0:1:2:3:4:5",
            "00-1b-44-11-3a-b7",
            "00:1b:44:11:3a:g7",
        ] {
            assert!(MacAddress::new(address).validate().is_err(), "{address}");
        }
    }
}
