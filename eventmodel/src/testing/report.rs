//! What a failed spec prints.
//!
//! Its text holds all that is recorded of an event, and does not depend on the order of the keys of a map.

use std::fmt::{Display, Write};

use similar::{ChangeTag, TextDiff};

use crate::model::{Command, Decision, EmittedEvent, Rejection};
use crate::record::{RecordedEvent, Subject};

/// Why a spec failed.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn new(title: impl Display) -> Self {
        Self(title.to_string())
    }

    /// Adds a part with a heading.
    pub(super) fn section(mut self, heading: &str, body: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "\n\n{heading}");
        for line in body.lines() {
            let _ = write!(self.0, "\n  {line}");
        }
        self
    }

    /// Adds what was expected and what there is, as a diff.
    pub(super) fn diff(self, heading: &str, expected: &str, actual: &str) -> Self {
        self.section(
            &format!("{heading} (- expected, + actual)"),
            &diff(expected, actual),
        )
    }

    #[track_caller]
    pub(super) fn raise(self) -> ! {
        panic!("{}", self.0)
    }
}

/// The value, or a panic at the line of the spec.
#[track_caller]
pub(super) fn or_raise<T>(result: Result<T, Failure>) -> T {
    match result {
        Ok(value) => value,
        Err(failure) => failure.raise(),
    }
}

pub(super) fn diff(expected: &str, actual: &str) -> String {
    // The last line of a text must not differ only because nothing follows it.
    let (expected, actual) = (format!("{expected}\n"), format!("{actual}\n"));
    let mut out = String::new();
    for change in TextDiff::from_lines(&expected, &actual).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let _ = writeln!(out, "{sign} {}", change.value().trim_end_matches('\n'));
    }
    out
}

/// What was decided, or is expected to be.
pub(super) fn decision<C: Command>(decision: &Decision<C>) -> String {
    match decision {
        Ok(events) if events.is_empty() => "nothing".into(),
        Ok(events) => {
            let events = events.events.iter().map(event);
            events.collect::<Vec<_>>().join("\n")
        }
        Err(rejection) => self::rejection(rejection),
    }
}

fn rejection<R: Rejection>(rejection: &R) -> String {
    let details = match serde_json::to_value(rejection) {
        Ok(value) => pretty(value),
        Err(_) => format!("{rejection:#?}"),
    };
    format!("rejected: {}\n{rejection}\n{details}", rejection.code())
}

fn event(event: &EmittedEvent) -> String {
    let name = event.info.event_type;
    match &event.recordable {
        Ok(event) => {
            let (on, payload) = (subjects(&event.subjects), payload(&event.payload.bytes));
            format!("{name} on {on}\n{payload}")
        }
        Err(error) => format!("{name}, which cannot be recorded: {error}"),
    }
}

/// Whether two decisions are the same: the same rejection, or events that read back as the same ones.
pub(super) fn is_same<C: Command>(a: &Decision<C>, b: &Decision<C>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => {
            let mut pairs = a.events.iter().zip(&b.events);
            a.len() == b.len() && pairs.all(|(a, b)| is_same_event(a, b))
        }
        (Err(a), Err(b)) => rejection(a) == rejection(b),
        _ => false,
    }
}

fn is_same_event(a: &EmittedEvent, b: &EmittedEvent) -> bool {
    a.info.event_type == b.info.event_type
        && match (&a.recordable, &b.recordable) {
            (Ok(this), Ok(that)) => {
                this.subjects == that.subjects
                    && (a.are_same)(&this.payload.decoded, &that.payload.decoded)
            }
            (Err(this), Err(that)) => this.to_string() == that.to_string(),
            _ => false,
        }
}

/// A recorded event in one line.
pub(super) fn line(event: &RecordedEvent) -> String {
    let payload = match serde_json::from_slice::<serde_json::Value>(event.payload()) {
        // As it was written, so that its fields are in the order of the code.
        Ok(_) => String::from_utf8_lossy(event.payload()).into_owned(),
        Err(_) => payload(event.payload()),
    };
    let on = subjects(&event.metadata().subjects);
    format!("{} on {on} {payload}", event.event_type())
}

pub(super) fn subjects(subjects: &[Subject]) -> String {
    let quoted = subjects.iter().map(|subject| format!("`{subject}`"));
    quoted.collect::<Vec<_>>().join(", ")
}

/// The payload of an event for a person to read. Different payloads give different texts.
pub(super) fn payload(bytes: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return pretty(value);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes
            .chunks(16)
            .map(|row| {
                let hex = row.iter().map(|byte| format!("{byte:02x}"));
                hex.collect::<Vec<_>>().join(" ")
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

pub(super) fn pretty(mut value: serde_json::Value) -> String {
    value.sort_all_objects();
    // The alternate form is the pretty one, and cannot fail.
    format!("{value:#}")
}
