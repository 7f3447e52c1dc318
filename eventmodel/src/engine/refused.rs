//! Counts requests that never became a command, by what was wrong with them, and keeps none. Anybody can send any
//! number of them, so they must cost neither storage nor log lines.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::app::App;

/// How many requests were refused, and when the last one was, by the code of the reason. There are few.
#[derive(Debug, Default)]
pub(super) struct RefusedRequests(Mutex<BTreeMap<&'static str, (u64, Timestamp)>>);

impl RefusedRequests {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, (u64, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    pub(crate) fn count_refused_as(&self, code: &'static str) {
        let now = (self.inner.options.clock)();
        let mut counts = self.inner.refused.counts();
        let (requests, last) = counts.entry(code).or_insert((0, now));
        *requests += 1;
        *last = now;
    }

    pub(crate) fn refused_by_code(&self) -> BTreeMap<&'static str, (u64, Timestamp)> {
        self.inner.refused.counts().clone()
    }
}
