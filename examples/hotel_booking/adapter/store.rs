//! Where the hotel keeps its books.

use std::fmt;
use std::str::FromStr;

/// A store that can be chosen on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// In the memory of this process: all is gone when it ends.
    Memory,
}

impl StoreChoice {
    const ALL: [Self; 1] = [Self::Memory];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such store; there is: {}", StoreChoice::ALL.map(StoreChoice::name).join(", "))]
pub(crate) struct UnknownStore;

impl FromStr for StoreChoice {
    type Err = UnknownStore;

    fn from_str(text: &str) -> Result<Self, UnknownStore> {
        let named = |choice: &Self| choice.name() == text;
        Self::ALL.into_iter().find(named).ok_or(UnknownStore)
    }
}
