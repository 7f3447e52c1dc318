//! The messages that a process has in hand, and which of them it may handle: those whose predecessor on their subject
//! is done, in whichever process.
//!
//! A message, or a copy, is done only after those before it on its subject. So one fact is enough: whether its direct
//! predecessor is done, whose sequence is in a header. That one is done if the consumer says that everything up to it
//! is, or if the process that did it has said so.

use std::collections::{BTreeMap, HashMap};

use async_nats::Subject;
use eventmodel::store::Item;

/// What must be done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// The message at this sequence, the predecessor on the subject.
    At(u64),
    /// Everything before it, if the predecessor is unknown.
    All,
}

/// A message that JetStream has delivered to this process, and that is not done.
#[derive(Debug)]
pub(super) struct Delivered {
    /// Where to acknowledge it.
    pub(super) reply: Subject,
    pub(super) before: Before,
    /// `None` if there is nothing to handle.
    pub(super) item: Option<Item>,
    /// How often JetStream has delivered it, to any process.
    pub(super) deliveries: i64,
}

/// What to do with a delivered message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It waits here for its turn.
    Taken,
    /// It is done: acknowledge it again.
    Done,
}

#[derive(Debug, Default)]
pub(super) struct InFlight {
    items: BTreeMap<u64, Delivered>,
    /// From a message to the one that waits for it.
    behind: HashMap<u64, u64>,
    /// The messages whose turn it is.
    ready: Vec<u64>,
    done: Done,
}

impl InFlight {
    pub(super) fn take(&mut self, sequence: u64, item: Delivered) -> Arrival {
        if self.done.contains(sequence) {
            return Arrival::Done;
        }
        if let Some(known) = self.items.get_mut(&sequence) {
            // The server has not heard from this process for a while.
            known.reply = item.reply;
            known.deliveries = item.deliveries;
            return Arrival::Taken;
        }
        if self.is_free(sequence, item.before) {
            self.ready.push(sequence);
        } else if let Before::At(before) = item.before {
            self.behind.insert(before, sequence);
        }
        self.items.insert(sequence, item);
        Arrival::Taken
    }

    fn is_free(&self, sequence: u64, before: Before) -> bool {
        match before {
            Before::Nothing => true,
            Before::At(before) => self.done.contains(before),
            Before::All => self.done.floor + 1 >= sequence,
        }
    }

    /// Notes that this process has done the message.
    pub(super) fn done(&mut self, sequence: u64) {
        self.items.remove(&sequence);
        self.done.insert(sequence);
        self.free(sequence);
    }

    /// Lets go of a message that another process has in hand.
    pub(super) fn forget(&mut self, sequence: u64) {
        self.items.remove(&sequence);
    }

    /// Notes that another process has done the message.
    pub(super) fn heard(&mut self, sequence: u64) {
        self.done.insert(sequence);
        self.free(sequence);
    }

    fn free(&mut self, before: u64) {
        if let Some(next) = self.behind.remove(&before)
            && self.items.contains_key(&next)
        {
            self.ready.push(next);
        }
    }

    /// Everything up to here is done.
    pub(super) fn raise(&mut self, floor: u64) {
        if floor <= self.done.floor {
            return;
        }
        self.done.raise(floor);
        let befores: Vec<u64> = self.behind.keys().copied().collect();
        for before in befores {
            if self.done.contains(before) {
                self.free(before);
            }
        }
        let freed = self.items.iter().filter(|(sequence, item)| {
            item.before == Before::All && **sequence <= floor + 1 && !self.ready.contains(sequence)
        });
        let freed: Vec<u64> = freed.map(|(sequence, _)| *sequence).collect();
        self.ready.extend(freed);
    }

    /// The messages whose turn has come since the last call, in the order of the log.
    pub(super) fn ready(&mut self) -> Vec<u64> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_unstable();
        ready
    }

    /// Whether a message waits for another process.
    pub(super) fn is_waiting(&self) -> bool {
        let unknown = |item: &Delivered| item.before == Before::All && item.item.is_some();
        self.behind
            .keys()
            .any(|before| !self.items.contains_key(before))
            || self.items.values().any(unknown)
    }

    pub(super) fn item(&self, sequence: u64) -> Option<&Delivered> {
        self.items.get(&sequence)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = (u64, &Delivered)> {
        self.items.iter().map(|(sequence, item)| (*sequence, item))
    }

    /// Gives all of it away.
    pub(super) fn clear(&mut self) -> Vec<Delivered> {
        self.behind.clear();
        self.ready.clear();
        std::mem::take(&mut self.items).into_values().collect()
    }

    pub(super) fn floor(&self) -> u64 {
        self.done.floor
    }
}

/// How many gaps in what is done to remember. Beyond that, messages may wait longer, until the floor rises.
const MAX_GAPS: usize = 10_000;

/// The sequences of messages that are done.
#[derive(Debug, Default)]
struct Done {
    /// Everything up to here.
    floor: u64,
    /// Ranges from first to last, above the floor, with gaps between them.
    ranges: BTreeMap<u64, u64>,
}

impl Done {
    fn contains(&self, sequence: u64) -> bool {
        if sequence <= self.floor {
            return true;
        }
        let range = self.ranges.range(..=sequence).next_back();
        range.is_some_and(|(_, last)| sequence <= *last)
    }

    fn insert(&mut self, sequence: u64) {
        if self.contains(sequence) {
            return;
        }
        let (mut first, mut last) = (sequence, sequence);
        if let Some(end) = self.ranges.remove(&(sequence + 1)) {
            last = end;
        }
        if let Some((start, end)) = self.ranges.range(..sequence).next_back()
            && end + 1 == sequence
        {
            first = *start;
        }
        self.ranges.insert(first, last);
        if self.ranges.len() > MAX_GAPS {
            self.ranges.pop_first();
        }
    }

    fn raise(&mut self, floor: u64) {
        self.floor = self.floor.max(floor);
        while let Some(first) = self.ranges.first_entry() {
            if *first.key() > self.floor + 1 {
                return;
            }
            self.floor = self.floor.max(first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(before: Before) -> Delivered {
        Delivered {
            reply: "ack".into(),
            before,
            item: None,
            deliveries: 1,
        }
    }

    #[test]
    fn a_message_waits_for_the_one_before_it_wherever_that_is_done() {
        let mut in_flight = InFlight::default();
        in_flight.take(1, nothing(Before::Nothing));
        in_flight.take(2, nothing(Before::At(1)));
        in_flight.take(5, nothing(Before::At(4)));
        assert_eq!(in_flight.ready(), [1]);
        assert!(in_flight.is_waiting());
        in_flight.heard(4);
        in_flight.done(1);
        assert_eq!(in_flight.ready(), [2, 5]);
        assert!(!in_flight.is_waiting());
        assert_eq!(in_flight.ready(), [0; 0]);
        assert_eq!(in_flight.take(1, nothing(Before::Nothing)), Arrival::Done);
    }

    #[test]
    fn what_the_floor_has_passed_is_done() {
        let mut in_flight = InFlight::default();
        in_flight.take(5, nothing(Before::At(3)));
        in_flight.take(7, nothing(Before::All));
        in_flight.raise(2);
        assert_eq!(in_flight.ready(), [0; 0]);
        in_flight.raise(3);
        assert_eq!(in_flight.ready(), [5]);
        in_flight.raise(6);
        assert_eq!(in_flight.ready(), [7]);
        assert_eq!(in_flight.take(6, nothing(Before::All)), Arrival::Done);
    }

    #[test]
    fn a_message_that_comes_again_has_one_turn() {
        let mut in_flight = InFlight::default();
        for _ in 0..2 {
            assert_eq!(in_flight.take(2, nothing(Before::At(1))), Arrival::Taken);
        }
        in_flight.heard(1);
        in_flight.raise(1);
        assert_eq!(in_flight.ready(), [2]);
    }

    #[test]
    fn what_is_done_is_remembered_as_ranges() {
        let mut done = Done::default();
        let order: Vec<u64> = (1..=200).map(|n| (n * 77) % 211).collect();
        for (n, sequence) in order.iter().enumerate() {
            done.insert(*sequence);
            for other in 0..=211 {
                let known = other == 0 || order[..=n].contains(&other);
                assert_eq!(done.contains(other), known, "{other} after {n}");
            }
        }
        assert!(done.ranges.len() <= 12, "{:?}", done.ranges);
        done.raise(100);
        assert!(done.contains(100));
        assert!(done.ranges.keys().all(|first| *first > 101));
    }
}
