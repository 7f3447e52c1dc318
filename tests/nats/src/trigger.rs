//! What a proxy waits for in what it forwards.

use std::collections::HashMap;

use tokio::sync::oneshot;

/// A direction through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the client sends.
    ToServer,
    /// What the server sends.
    ToClient,
}

/// At which byte of a direction something is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the first byte of this text (the protocol is plain: header lines, subjects, payloads). What came of it in an
    /// earlier packet has been forwarded; the message is incomplete in either case.
    Seen(Vec<u8>),
    /// After so many more bytes, of all connections together.
    Bytes(usize),
}

impl When {
    /// [`When::Seen`].
    pub fn seen(text: impl AsRef<[u8]>) -> Self {
        Self::Seen(text.as_ref().to_vec())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Cut,
    Block,
}

#[derive(Debug)]
pub(crate) struct Trigger {
    direction: Direction,
    when: When,
    pub(crate) then: Then,
    happened: oneshot::Sender<()>,
    /// For each connection, the end of what was looked at: as much as can be the beginning of the text.
    ends: HashMap<u64, Vec<u8>>,
}

impl Trigger {
    pub(crate) fn new(
        direction: Direction,
        when: When,
        then: Then,
        happened: oneshot::Sender<()>,
    ) -> Self {
        Self {
            direction,
            when,
            then,
            happened,
            ends: HashMap::new(),
        }
    }

    /// Whether it goes off within the bytes that come next on a connection: how many of them come before.
    pub(crate) fn find(
        &self,
        connection: u64,
        direction: Direction,
        bytes: &[u8],
    ) -> Option<usize> {
        if direction != self.direction {
            return None;
        }
        match &self.when {
            When::Bytes(left) => (*left < bytes.len()).then_some(*left),
            When::Seen(text) => {
                let end = self.ends.get(&connection).map_or(&[][..], Vec::as_slice);
                [end, bytes]
                    .concat()
                    .windows(text.len().max(1))
                    .position(|part| part == &text[..])
                    .map(|at| at.saturating_sub(end.len()))
            }
        }
    }

    /// These bytes have been forwarded.
    pub(crate) fn pass(&mut self, connection: u64, direction: Direction, bytes: &[u8]) {
        if direction != self.direction {
            return;
        }
        match &mut self.when {
            When::Bytes(left) => *left = left.saturating_sub(bytes.len()),
            When::Seen(text) => {
                let end = self.ends.entry(connection).or_default();
                end.extend_from_slice(bytes);
                let keep = text.len().saturating_sub(1).min(end.len());
                end.drain(..end.len() - keep);
            }
        }
    }

    pub(crate) fn happened(self) {
        // Nobody waits if the test has dropped the fault.
        let _ = self.happened.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it finds in the packets, one after the other, each on its connection.
    fn found<const N: usize>(when: When, packets: [(u64, &str); N]) -> [Option<usize>; N] {
        let to = Direction::ToServer;
        let mut trigger = Trigger::new(to, when, Then::Cut, oneshot::channel().0);
        packets.map(|(connection, packet)| {
            let found = trigger.find(connection, to, packet.as_bytes());
            trigger.pass(connection, to, packet.as_bytes());
            found
        })
    }

    #[test]
    fn a_text_is_seen_also_in_two_packets_of_a_connection() {
        let packets = [(1, "Sequence: 1, Sequ"), (2, "ence: 2"), (1, "ence: 2")];
        assert_eq!(
            found(When::seen("Sequence: 2"), packets),
            [None, None, Some(0)]
        );
    }

    #[test]
    fn what_is_before_a_text_is_counted() {
        assert_eq!(
            found(When::seen("b"), [(1, "aa"), (1, "aab")]),
            [None, Some(2)]
        );
    }

    #[test]
    fn bytes_are_counted_over_connections() {
        assert_eq!(
            found(When::Bytes(3), [(1, "12"), (2, "34")]),
            [None, Some(1)]
        );
    }

    #[test]
    fn the_other_direction_does_not_count() {
        let trigger = Trigger::new(
            Direction::ToServer,
            When::Bytes(0),
            Then::Cut,
            oneshot::channel().0,
        );
        assert_eq!(trigger.find(1, Direction::ToClient, b"a"), None);
    }
}
