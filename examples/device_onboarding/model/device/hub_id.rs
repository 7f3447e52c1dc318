//! Where a device is to connect to.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The hub that a device connects to: `hub-1`.
#[derive(
    Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[garde(transparent)]
#[serde(transparent)]
pub struct HubId(#[garde(custom(allowed))] String);

impl HubId {
    /// A hub from any text; [`Validate`] says whether it is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(hub: &str, _: &impl Sized) -> garde::Result {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=32).contains(&hub.len()) && hub.bytes().all(inside) {
        return Ok(());
    }
    Err(garde::Error::new(
        "must be 1 to 32 small letters, digits or `-`",
    ))
}
