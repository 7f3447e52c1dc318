//! How far something is in each log of a view, and which JetStream stream each log is.

use std::fmt::Write;
use std::sync::Arc;

use eventmodel::Position;
use jiff::Timestamp;

/// A log of a view.
#[derive(Clone, Debug)]
pub(super) struct ViewLog {
    pub(super) name: Arc<str>,
    /// When its JetStream stream was created: positions mean nothing in another stream of its name.
    pub(super) created: Timestamp,
}

/// Positions, in the order of the logs of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Positions(Vec<Position>);

impl Positions {
    pub(super) fn start(logs: &[ViewLog]) -> Self {
        Self(vec![Position::START; logs.len()])
    }

    pub(super) fn get(&self, log: usize) -> Position {
        self.0.get(log).copied().unwrap_or_default()
    }

    pub(super) fn advance(&mut self, log: usize, position: Position) {
        if let Some(at) = self.0.get_mut(log) {
            *at = position.max(*at);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Position)> + '_ {
        self.0.iter().copied().enumerate()
    }

    /// Whether these are at or behind `other` in every log.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.iter().all(|(log, at)| at <= other.get(log))
    }

    /// `hotel=42@2022-12-12T10:00:00Z`, separated by commas, the log `first` before the others.
    pub(super) fn to_text(&self, logs: &[ViewLog], first: usize) -> String {
        let mut text = String::new();
        let others = (0..logs.len()).filter(|log| *log != first);
        for log in std::iter::once(first).chain(others) {
            let (ViewLog { name, created }, at) = (&logs[log], self.get(log));
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{comma}{name}={at}@{created}");
        }
        text
    }

    /// The positions, and the first log in the text.
    pub(super) fn parse(text: &str, logs: &[ViewLog]) -> Result<(Self, usize), PositionsError> {
        let mut positions = Self::start(logs);
        let mut first = None;
        for part in text.split(',') {
            let odd = || PositionsError::Odd(text.to_owned());
            let (name, rest) = part.split_once('=').ok_or_else(odd)?;
            let (at, created) = rest.split_once('@').ok_or_else(odd)?;
            let log = logs.iter().position(|log| *log.name == *name);
            let log = log.ok_or_else(odd)?;
            let created: Timestamp = created.parse().map_err(|_| odd())?;
            if created != logs[log].created {
                return Err(PositionsError::Recreated { log, created });
            }
            positions.0[log] = Position::new(at.parse().map_err(|_| odd())?);
            first = first.or(Some(log));
        }
        let first = first.ok_or_else(|| PositionsError::Odd(text.to_owned()))?;
        Ok((positions, first))
    }
}

/// Why a text gives no positions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PositionsError {
    #[error("`{0}` is not what eventmodel writes")]
    Odd(String),
    /// They belong to another JetStream stream, created then.
    #[error("it is of a JetStream stream that was created at {created}")]
    Recreated { log: usize, created: Timestamp },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str, created: &str) -> ViewLog {
        ViewLog {
            name: name.into(),
            created: created.parse().unwrap(),
        }
    }

    #[test]
    fn positions_come_back_with_the_log_of_the_last_event() {
        let logs = [
            log("a", "2022-12-12T10:00:00.123456789Z"),
            log("b", "2022-12-13T10:00:00Z"),
        ];
        let mut positions = Positions::start(&logs);
        positions.advance(0, Position::new(7));
        positions.advance(1, Position::new(9));
        positions.advance(1, Position::new(8));
        let text = positions.to_text(&logs, 1);
        assert_eq!(
            text,
            "b=9@2022-12-13T10:00:00Z,a=7@2022-12-12T10:00:00.123456789Z"
        );
        assert_eq!(Positions::parse(&text, &logs), Ok((positions, 1)));
    }

    #[test]
    fn positions_of_another_stream_of_the_same_name_are_refused() {
        let text = Positions::start(&[log("a", "2022-12-12T10:00:00Z")])
            .to_text(&[log("a", "2022-12-12T10:00:00Z")], 0);
        let parsed = Positions::parse(&text, &[log("a", "2022-12-12T10:00:01Z")]);
        assert!(matches!(
            parsed,
            Err(PositionsError::Recreated { log: 0, .. })
        ));
    }
}
