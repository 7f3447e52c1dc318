//! A row at the bottom of the board, and the orange post-its in it.

use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

/// One copy of a book, and whose hands it went through.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "loan.{copy}")]
pub struct Loan {
    pub copy: u32,
}

/// A member has taken the copy home.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Loan)]
pub struct CopyBorrowed {
    pub copy: u32,
    pub member: String,
}

/// The copy is back on the shelf.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Loan)]
pub struct CopyReturned {
    pub copy: u32,
    pub member: String,
}
