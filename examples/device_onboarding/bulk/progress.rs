//! How a run goes, for the person in front of it: a bar on a terminal, a line now and then elsewhere. Lines that need a
//! look are told at once, with their file and number, as compilers do.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::rate;
use super::{Outcome, Watch};

/// Tells on the standard error how a run goes.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    lines: u64,
}

/// After how many lines one is written where there is no terminal.
const EVERY: u64 = 10_000;

/// After how many lines the bar is moved: it costs more than a line.
const MOVE_EVERY: u64 = 64;

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// A bar if the standard error is a terminal.
    pub fn new() -> Self {
        let bar = io::stderr().is_terminal().then(ProgressBar::no_length);
        Self {
            bar,
            started: Instant::now(),
            lines: 0,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write(text)),
            None => write(text),
        }
    }

    fn rate(&self) -> f64 {
        rate(self.lines, self.started.elapsed())
    }
}

/// Whether anybody reads it makes no difference to the run.
fn write(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl Watch for Progress {
    fn starts(&mut self, name: &str, size: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        let template = match size {
            Some(_) => "{prefix} [{bar:30}] {percent}% {msg}, {eta} left",
            None => "{prefix} {spinner} {msg}",
        };
        // A template that does not parse gives the style of the library.
        let style = ProgressStyle::with_template(template);
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.set_prefix(name.to_owned());
        match size {
            Some(size) => bar.set_length(size),
            None => bar.unset_length(),
        }
        bar.set_position(0);
        bar.reset_eta();
    }

    fn line(&mut self, name: &str, number: u64, outcome: &Outcome, bytes: u64) {
        self.lines += 1;
        if let Outcome::Refused(_) | Outcome::Wrong(_) = outcome {
            self.say(&format!("{name}:{number}: {outcome}"));
        }
        match &self.bar {
            Some(bar) if self.lines.is_multiple_of(MOVE_EVERY) => {
                bar.set_position(bytes);
                bar.set_message(format!("{} lines, {:.0}/s", self.lines, self.rate()));
            }
            None if self.lines.is_multiple_of(EVERY) => {
                write(&format!("{} lines, {:.0}/s", self.lines, self.rate()));
            }
            _ => {}
        }
    }

    fn note(&mut self, name: &str, note: &str) {
        self.say(&format!("{name}: note: {note}"));
    }
}
