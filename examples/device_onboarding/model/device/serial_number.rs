//! What the manufacturer printed on the device.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the manufacturer printed on the device: 4 to 32 capital letters, digits and `-`.
#[derive(
    Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[garde(transparent)]
#[serde(transparent)]
pub struct SerialNumber(#[garde(custom(allowed))] String);

impl SerialNumber {
    /// A serial number from any text; [`Validate`] says whether it is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(serial: &str, _: &impl Sized) -> garde::Result {
    let inside = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if (4..=32).contains(&serial.len()) && serial.bytes().all(inside) {
        return Ok(());
    }
    Err(garde::Error::new(
        "must be 4 to 32 capital letters, digits or `-`",
    ))
}
