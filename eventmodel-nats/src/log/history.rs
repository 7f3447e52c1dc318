//! The sequences of the events before one, as a header of its message.
//!
//! The store reads a cold instance by these: one message by its subject, the others by their sequences, at once. That
//! costs the same whatever else the log holds. A history is a hint: the store checks it against the histories of the
//! messages that it names, and reads by subject if they disagree.

use std::fmt::Write;

/// How many sequences an event carries: enough for most instances, in some 100 bytes.
const MAX: usize = 16;

/// The sequences before a message on its subject, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Descending; none is 0.
    pub(crate) previous: Vec<u64>,
    /// How many precede these, if known.
    pub(crate) earlier: Option<u64>,
}

impl History {
    /// The history of the first message.
    pub(crate) fn first() -> Self {
        Self {
            previous: Vec::new(),
            earlier: Some(0),
        }
    }

    /// Whether nothing precedes these.
    pub(crate) fn is_complete(&self) -> bool {
        self.earlier == Some(0)
    }

    /// How many there are in all, if known.
    pub(crate) fn count(&self) -> Option<u64> {
        self.earlier
            .map(|earlier| earlier.saturating_add(self.previous.len() as u64))
    }

    /// A history of which only the last sequence is known.
    pub(crate) fn only(last: u64) -> Self {
        if last == 0 {
            return Self::first();
        }
        Self {
            previous: vec![last],
            earlier: None,
        }
    }

    /// The history of the next message on the subject, if this is the history of the message at `sequence`.
    pub(crate) fn then(&self, sequence: u64) -> Self {
        let mut previous = Vec::with_capacity((self.previous.len() + 1).min(MAX));
        previous.push(sequence);
        previous.extend(self.previous.iter().copied().take(MAX - 1));
        let is_left_out = u64::from(self.previous.len() == MAX);
        Self {
            previous,
            earlier: self
                .earlier
                .map(|earlier| earlier.saturating_add(is_left_out)),
        }
    }

    /// The sequence of the predecessor, 0 if there is none, `None` if unknown.
    pub(crate) fn last(&self) -> Option<u64> {
        match self.previous.first() {
            None => self.is_complete().then_some(0),
            last => last.copied(),
        }
    }

    /// As a header. `within` holds the distances to the earlier messages on its subject in its own batch, nearest
    /// first: their sequences are unknown until the server stores the batch.
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
        let listed = within.len().min(MAX) + self.previous.len().min(room);
        match self
            .count()
            .map(|count| count.saturating_add(within.len() as u64) - listed as u64)
        {
            None => {
                text.pop();
            }
            Some(0) => text.push('0'),
            Some(earlier) => {
                text.push('+');
                push_number(&mut text, earlier);
            }
        }
        text
    }

    /// The history of the message at `sequence` from its header; empty if the header cannot be right.
    pub(crate) fn parse(text: &str, sequence: u64) -> Self {
        let mut history = Self::default();
        let mut next = sequence;
        for part in text.split(',') {
            if history.earlier.is_some() || history.previous.len() > MAX {
                return Self::default();
            }
            if let Some(earlier) = part.strip_prefix('+') {
                match earlier.parse() {
                    Ok(earlier @ 1..) if !history.previous.is_empty() => {
                        history.earlier = Some(earlier);
                        continue;
                    }
                    _ => return Self::default(),
                }
            }
            let absolute = match part.strip_prefix('-') {
                Some(distance) => distance.parse().ok().and_then(|d| sequence.checked_sub(d)),
                None => part.parse().ok(),
            };
            match absolute {
                Some(0) => history.earlier = Some(0),
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

/// Formatting would take longer than all the rest of such a header.
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
            assert_eq!(history.count(), Some(sequence - 1));
            history = history.then(sequence * 3);
        }
        assert_eq!(history.previous.len(), MAX);
        assert!(!history.is_complete());
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
        assert!(parsed.is_complete());
        let long = (1..=20).fold(History::first(), |history, n| history.then(n));
        let text = long.to_header(&[1, 2]);
        let parsed = History::parse(&text, 30);
        assert_eq!(parsed.previous[..3], [29, 28, 20]);
        assert_eq!((parsed.previous.len(), parsed.count()), (MAX, Some(22)));
    }

    #[test]
    fn a_number_that_is_too_large_breaks_nothing() {
        let history = History::parse(&format!("9,+{}", u64::MAX), 12).then(12);
        assert_eq!(history.count(), Some(u64::MAX));
        assert_eq!(
            history.to_header(&[1]),
            format!("-1,12,9,+{}", u64::MAX - 3)
        );
    }

    #[test]
    fn how_many_there_are_may_not_be_known() {
        let history = History::only(7).then(9);
        assert_eq!(history.to_header(&[]), "9,7");
        assert_eq!(History::parse("9,7", 12), history);
        assert_eq!(history.count(), None);
    }

    #[test]
    fn what_cannot_be_a_history_is_not_believed() {
        for text in [
            "",
            "x",
            "7,8",
            "20",
            "21",
            "5,5",
            "0,3",
            "-0",
            "-30",
            "5,,3",
            "-",
            "+3",
            "5,+0",
            "5,+3,2",
            "5,+",
            "5,+x",
            "5,+18446744073709551616",
        ] {
            assert_eq!(History::parse(text, 20), History::default(), "{text}");
        }
    }
}
