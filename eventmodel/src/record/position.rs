//! Where an event stands in its log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sequence number of an event in its log: from 1, strictly increasing, gaps allowed.
///
/// [`Position::START`] (0) stands before the first event: "read everything", or, as the revision of a
/// stream instance, "nothing was recorded here yet".
///
/// ```
/// use eventmodel::Position;
///
/// assert!(Position::START < Position::new(1));
/// assert_eq!(Position::new(7).to_string(), "7");
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The position with this sequence number.
    pub const fn new(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The sequence number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Position {
    fn from(sequence: u64) -> Self {
        Self(sequence)
    }
}
