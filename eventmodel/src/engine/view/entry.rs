use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};

use crate::model::Projection;
use crate::record::Position;

/// One instance of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ViewInstance<P: Projection> {
    /// Its key.
    pub key: P::Key,
    /// What was folded.
    pub value: P,
    /// The position of the last event that was folded into it.
    pub position: Position,
}

/// Which instances of a view to list, in the order of their keys.
#[derive(Clone, Debug)]
pub(super) struct ViewRange<K> {
    start: Bound<K>,
    end: Bound<K>,
    compare: fn(&K, &K) -> Ordering,
}

impl<K: Clone> ViewRange<K> {
    pub(super) fn new(range: impl RangeBounds<K>) -> Self
    where
        K: Ord,
    {
        let (start, end) = (range.start_bound().cloned(), range.end_bound().cloned());
        Self {
            start,
            end,
            compare: K::cmp,
        }
    }

    pub(super) fn compare(&self, a: &K, b: &K) -> Ordering {
        (self.compare)(a, b)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => self.compare(start, key).is_le(),
            Bound::Excluded(start) => self.compare(start, key).is_lt(),
            Bound::Unbounded => true,
        };
        let before_end = match &self.end {
            Bound::Included(end) => self.compare(key, end).is_le(),
            Bound::Excluded(end) => self.compare(key, end).is_lt(),
            Bound::Unbounded => true,
        };
        after_start && before_end
    }
}
