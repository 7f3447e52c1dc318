//! Requests that never became a command: counted by what was wrong with them, and not kept. Anybody can send as many of
//! them as he likes, so they may cost neither storage nor lines of the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::kinds::ProblemKind;
use super::problem::Problem;
use crate::trouble::limited;

/// How many requests were refused for one reason before they were a command, since the app was started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The reason.
    pub kind: &'static ProblemKind,
    /// How many.
    pub requests: u64,
    /// When the last one was refused.
    pub last: Timestamp,
}

/// The requests that an app has refused. One entry for each kind of problem, of which there are few.
#[derive(Debug, Default)]
pub(crate) struct RefusedRequests(Mutex<BTreeMap<&'static str, Refused>>);

impl RefusedRequests {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, problem: &Problem, now: Timestamp) {
        let Some(kind) = problem.kind() else {
            return;
        };
        let (status, code, title) = (kind.status, kind.code, kind.title);
        limited!(WARN, "a request is no command", status, code, title);
        let mut counts = self.counts();
        let count = counts.entry(code).or_insert(Refused {
            kind,
            requests: 0,
            last: now,
        });
        count.requests += 1;
        count.last = now;
    }

    pub(crate) fn list(&self) -> Vec<Refused> {
        self.counts().values().cloned().collect()
    }
}
