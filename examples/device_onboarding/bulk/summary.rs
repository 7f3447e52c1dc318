//! What came of a line, and of a run.

use std::fmt;
use std::time::Duration;

use super::WrongLine;

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device is registered, and was let in just now.
    Onboarded,
    /// It was let in before.
    AlreadyThere,
    /// It is registered, and not let in: why.
    Refused(String),
    /// The line is wrong.
    Wrong(WrongLine),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Onboarded => f.write_str("onboarded"),
            Self::AlreadyThere => f.write_str("already there"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Wrong(wrong) => write!(f, "wrong: {wrong}"),
        }
    }
}

/// How many lines came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All lines but the empty ones and the first one of a CSV file.
    pub lines: u64,
    /// Let in by this run.
    pub onboarded: u64,
    /// Let in before.
    pub already_there: u64,
    /// Registered, and not let in because of their firmware.
    pub refused: u64,
    /// Not understood, or not taken.
    pub wrong: u64,
}

impl Summary {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.lines += 1;
        *match outcome {
            Outcome::Onboarded => &mut self.onboarded,
            Outcome::AlreadyThere => &mut self.already_there,
            Outcome::Refused(_) => &mut self.refused,
            Outcome::Wrong(_) => &mut self.wrong,
        } += 1;
    }

    /// The summary as one line, with the time that the run took.
    pub fn in_words(&self, took: Duration) -> String {
        let Self {
            lines,
            onboarded,
            already_there,
            refused,
            wrong,
        } = self;
        format!(
            "{lines} line{} in {:.1} s ({:.0}/s): {onboarded} onboarded, {already_there} already there, \
             {refused} refused, {wrong} wrong",
            if *lines == 1 { "" } else { "s" },
            took.as_secs_f64(),
            rate(*lines, took),
        )
    }
}

/// How many a second.
#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}
