//! What tells devices apart. Text from outside is taken as it is and judged with the rest of its command, so that
//! the sender learns of everything that is wrong at once.

use std::fmt;

use eventmodel::SubjectToken;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What tells devices apart: 1 to 64 letters and digits, and between them `-`, `_` and `:`.
#[derive(
    SubjectToken,
    Validate,
    Serialize,
    Deserialize,
    JsonSchema,
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
)]
#[garde(transparent)]
#[serde(transparent)]
pub struct DeviceId(#[garde(custom(allowed))] String);

impl DeviceId {
    /// An id from any text; [`Validate`] says whether it is one that we take.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(id: &str, _: &impl Sized) -> garde::Result {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if id.len() > 64
        || !id.chars().all(inside)
        || !edge(id.chars().next())
        || !edge(id.chars().last())
    {
        return Err(garde::Error::new(
            "must be 1 to 64 letters or digits, with `-`, `_` or `:` only between them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_subject_or_an_address_could_trip_over_is_refused() {
        for id in ["a", "sensor-1", "00:1B:44", &"x".repeat(64)] {
            assert!(DeviceId::new(id).validate().is_ok(), "{id}");
        }
        for id in [
            "",
            "*",
            ">",
            "a.b",
            "a b",
            "-a",
            "a-",
            "a/b",
            "é",
            "🌡",
            "a\0",
            "a\n",
            &"x".repeat(65),
        ] {
            assert!(DeviceId::new(id).validate().is_err(), "{id}");
        }
    }
}
