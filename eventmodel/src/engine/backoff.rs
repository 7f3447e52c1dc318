use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::record::CommandId;

/// Growing waits with jitter, so that two tasks that collided do not collide again.
///
/// The jitter follows from the id of the waiting task alone, so a failed run can be repeated.
pub(crate) struct Backoff<'a> {
    id: &'a str,
    next: Duration,
    max: Duration,
    /// 0 before the first wait: most executions have none.
    random: u64,
}

impl<'a> Backoff<'a> {
    /// The first wait is at most `first`, each further one at most twice as long, up to `max`.
    pub(crate) fn new(id: &'a str, first: Duration, max: Duration) -> Self {
        Self {
            id,
            next: first,
            max,
            random: 0,
        }
    }

    pub(super) fn for_conflicts(id: &'a CommandId) -> Self {
        let (first, max) = (Duration::from_micros(50), Duration::from_millis(20));
        Self::new(id.as_str(), first, max)
    }

    pub(super) fn for_lost_answers(id: &'a CommandId) -> Self {
        let (first, max) = (Duration::from_millis(5), Duration::from_millis(500));
        Self::new(id.as_str(), first, max)
    }

    /// Waits between half of the next wait and all of it.
    pub(crate) async fn wait(&mut self) {
        if self.random == 0 {
            self.random = xxh3_64(self.id.as_bytes()) | 1;
        }
        // Xorshift; the quality of a spread does not need more.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half = self.next / 2;
        let share = (self.random >> 32) as u32;
        let wait = half.saturating_add(half.mul_f64(f64::from(share) / f64::from(u32::MAX)));
        self.next = self.next.saturating_mul(2).min(self.max);
        if wait < Duration::from_millis(1) {
            // Below the resolution of the timer: let the others go first.
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(wait).await;
        }
    }
}
