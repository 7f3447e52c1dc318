//! Positions that leave the process and come back.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::Position;

/// Tells a log from another one of the same name: one that was deleted and created again, or is of another store. The
/// positions of one mean nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(u64);

impl Incarnation {
    /// The incarnation that a store tells by this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// One that no other log has, except by chance: for a store that creates a log.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().as_u64_pair().1)
    }

    /// Of several logs together: it changes with any of them.
    pub fn of_all(logs: &[Self]) -> Self {
        match logs {
            [one] => *one,
            several => {
                let numbers = several.iter().flat_map(|log| log.0.to_be_bytes());
                Self(xxh3_64(&numbers.collect::<Vec<_>>()))
            }
        }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A position as it is given to a client, with the [incarnation](Incarnation) of the log: in an `ETag`, in the id of a
/// server-sent event, in the link to the next page. So a client that comes back after the log was replaced is not
/// answered as if it had seen a part of the new one.
///
/// As text it is `26.018f5e7a9c3d4b21`. A position alone is a cursor of any incarnation: what a person types, or a program
/// that has just seen the log.
///
/// ```
/// use eventmodel::Position;
/// use eventmodel::record::{Cursor, Incarnation};
///
/// let (log, other) = (Incarnation::new(7), Incarnation::new(8));
/// let cursor: Cursor = "26.0000000000000007".parse().unwrap();
/// assert_eq!(cursor, Cursor::new(Position::new(26), log));
/// assert_eq!(cursor.position_in(log), Some(Position::new(26)));
/// assert_eq!(cursor.position_in(other), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    position: Position,
    incarnation: Option<Incarnation>,
}

impl Cursor {
    /// A position in one incarnation of a log.
    pub const fn new(position: Position, incarnation: Incarnation) -> Self {
        Self {
            position,
            incarnation: Some(incarnation),
        }
    }

    /// The position, whatever log it is of.
    pub const fn position(self) -> Position {
        self.position
    }

    /// The position in this incarnation of a log; `None` if it is of another one.
    pub fn position_in(self, incarnation: Incarnation) -> Option<Position> {
        let is_of_it = self.incarnation.is_none_or(|own| own == incarnation);
        is_of_it.then_some(self.position)
    }
}

impl From<Position> for Cursor {
    fn from(position: Position) -> Self {
        Self {
            position,
            incarnation: None,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.position.fmt(f)?;
        match self.incarnation {
            Some(incarnation) => write!(f, ".{incarnation}"),
            None => Ok(()),
        }
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be a position, `26`, or one with its log, `26.018f5e7a9c3d4b21`")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    /// Reads exactly what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (position, incarnation) = match text.split_once('.') {
            Some((position, incarnation)) => (position, Some(incarnation)),
            None => (text, None),
        };
        let incarnation = incarnation.map(|text| u64::from_str_radix(text, 16).map(Incarnation));
        let cursor = Self {
            position: Position::new(position.parse().map_err(|_| InvalidCursor)?),
            incarnation: incarnation.transpose().map_err(|_| InvalidCursor)?,
        };
        // No signs, no leading zeros, no capitals.
        let is_canonical = cursor.to_string() == text;
        is_canonical.then_some(cursor).ok_or(InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text_and_no_other_is_read() {
        let with = Cursor::new(Position::new(26), Incarnation::new(0xabc));
        for cursor in [
            with,
            Position::new(0).into(),
            Position::new(u64::MAX).into(),
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            ".",
            "26.",
            "+26",
            "026",
            "-1",
            "26.abc",
            "26.0000000000000ABC",
            "26.0000000000000abc.1",
            "18446744073709551616",
            "\"26\"",
            " 26",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn the_incarnation_of_several_logs_changes_with_each() {
        let [a, b, c] = [1, 2, 3].map(Incarnation::new);
        assert_eq!(Incarnation::of_all(&[a]), a);
        assert_ne!(Incarnation::of_all(&[a, b]), Incarnation::of_all(&[a, c]));
        assert_ne!(Incarnation::of_all(&[a, b]), Incarnation::of_all(&[b, a]));
    }
}
