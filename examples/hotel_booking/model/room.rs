use std::fmt;

use eventmodel::{SubjectToken, Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A room of the hotel.
#[derive(
    SubjectToken,
    Serialize,
    Deserialize,
    JsonSchema,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
)]
pub struct Room {
    /// The number on its door, from 1.
    pub id: u32,
}

impl Room {
    pub(crate) fn check(self, violations: &mut Violations) {
        violations.check(self.id > 0, "room.id", "rooms are numbered from 1");
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room {}", self.id)
    }
}
