//! The sequences of the events before one, as a header of its message.
//!
//! A cold instance is read by these: one message by its subject, the others by their sequences, at once. That costs
//! the same whatever the rest of the log looks like. It is a hint: what it leads to is checked against the hints of
//! those messages, and the history is read by subject if they do not agree.

use std::fmt::Write;

/// How many sequences an event carries: enough for most instances, in some 100 bytes.
const MAX: usize = 16;

/// The sequences before a message on its subject, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Falling, none is 0.
    pub(crate) previous: Vec<u64>,
    /// Whether that is all.
    pub(crate) complete: bool,
}

impl History {
    /// Nothing stands before it.
    pub(crate) fn first() -> Self {
        Self {
            previous: Vec::new(),
            complete: true,
        }
    }

    /// Only the sequence of the last one is known.
    pub(crate) fn only(last: u64) -> Self {
        if last == 0 {
            return Self::first();
        }
        Self {
            previous: vec![last],
            complete: false,
        }
    }

    /// The history of the next message on the subject, if this is that of the message at `sequence`.
    pub(crate) fn then(&self, sequence: u64) -> Self {
        let mut previous = Vec::with_capacity((self.previous.len() + 1).min(MAX));
        previous.push(sequence);
        previous.extend(self.previous.iter().copied().take(MAX - 1));
        Self {
            complete: self.complete && self.previous.len() < MAX,
            previous,
        }
    }

    /// The sequence before, 0 if there is none, `None` if it is not known.
    pub(crate) fn last(&self) -> Option<u64> {
        match self.previous.first() {
            None => self.complete.then_some(0),
            last => last.copied(),
        }
    }

    /// As a header. `within` are the distances to the messages before it on its subject in its own batch, whose
    /// sequences are not known before it is stored; the nearest first.
    pub(crate) fn to_header(&self, within: &[u64]) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        for distance in within.iter().take(MAX) {
            let _ = write!(text, "-{distance},");
        }
        let room = MAX.saturating_sub(within.len());
        text.reserve(self.previous.len() * "12345678,".len() + 1);
        for sequence in self.previous.iter().take(room) {
            push_number(&mut text, *sequence);
            text.push(',');
        }
        if self.complete && within.len() + self.previous.len() <= MAX {
            text.push('0');
        } else {
            text.pop();
        }
        text
    }

    /// The history of the message at `sequence` from its header. What cannot be right is not believed.
    pub(crate) fn parse(text: &str, sequence: u64) -> Self {
        let mut history = Self::default();
        let mut next = sequence;
        for part in text.split(',') {
            if history.complete || history.previous.len() > MAX {
                return Self::default();
            }
            let absolute = match part.strip_prefix('-') {
                Some(distance) => distance.parse().ok().and_then(|d| sequence.checked_sub(d)),
                None => part.parse().ok(),
            };
            match absolute {
                Some(0) => history.complete = true,
                Some(absolute) if absolute < next => {
                    history.previous.push(absolute);
                    next = absolute;
                }
                _ => return Self::default(),
            }
        }
        history
    }
}

/// Without the machinery of formats, which takes longer than all the rest of such a header.
fn push_number(text: &mut String, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len() - 1;
    loop {
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
        start -= 1;
    }
    text.extend(digits[start..].iter().copied().map(char::from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_comes_back_from_its_header() {
        let mut history = History::first();
        for sequence in 1..=40 {
            let text = history.to_header(&[]);
            assert_eq!(History::parse(&text, sequence * 3), history, "{text}");
            assert_eq!(
                history.complete,
                history.previous.len() as u64 == sequence - 1
            );
            history = history.then(sequence * 3);
        }
        assert_eq!(history.previous.len(), MAX);
        assert!(!history.complete);
    }

    #[test]
    fn every_number_is_written() {
        for number in [0, 7, 10, 99, 100, 1_000_000, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn messages_of_the_same_batch_are_counted_back_from_the_message() {
        let history = History::first().then(4).then(9);
        let text = history.to_header(&[2, 5]);
        assert_eq!(text, "-2,-5,9,4,0");
        let parsed = History::parse(&text, 20);
        assert_eq!(parsed.previous, [18, 15, 9, 4]);
        assert!(parsed.complete);
    }

    #[test]
    fn what_cannot_be_a_history_is_not_believed() {
        for text in [
            "", "x", "7,8", "20", "21", "5,5", "0,3", "-0", "-30", "5,,3", "-",
        ] {
            assert_eq!(History::parse(text, 20), History::default(), "{text}");
        }
    }
}
