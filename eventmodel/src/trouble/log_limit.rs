//! Limits log lines that can come in floods: writes some of each kind, and the number of those left out.
//!
//! Without a limit, the lines that report a full disk would fill it. Crates that limit a log are layers of the
//! program's subscriber; a library has no subscriber, so the limit is where the line is written.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// In this time the limit lets some lines of a kind pass, and then one that says how many were left out.
const PERIOD: Duration = Duration::from_secs(10);

/// The limit of one kind of lines. [`limited!`](crate::__limited) makes one for each place.
#[derive(Debug)]
pub struct LogLimit {
    /// When the period ends, in milliseconds since the first line of all.
    until: AtomicU64,
    /// How many lines came since the period began.
    met: AtomicU64,
    left_out: AtomicU64,
    period: Duration,
    /// How many are written in a period.
    burst: u64,
    /// Writes how many were left out.
    tell: fn(u64),
}

impl LogLimit {
    /// A limit of this many lines in ten seconds. `tell` writes how many were left out.
    pub const fn new(burst: u64, tell: fn(u64)) -> Self {
        Self::within(PERIOD, burst, tell)
    }

    const fn within(period: Duration, burst: u64, tell: fn(u64)) -> Self {
        Self {
            until: AtomicU64::new(0),
            met: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            period,
            burst,
            tell,
        }
    }

    /// Whether a line may be written now. Counts a line that may not, and writes the count when the time is over.
    pub fn passes(&'static self) -> bool {
        let (now, period) = (now(), millis(self.period));
        let until = self.until.load(Ordering::Relaxed);
        if now >= until {
            let end = now + period;
            let next =
                self.until
                    .compare_exchange(until, end, Ordering::Relaxed, Ordering::Relaxed);
            if next.is_ok() {
                self.met.store(0, Ordering::Relaxed);
            }
        }
        let passes = self.met.fetch_add(1, Ordering::Relaxed) < self.burst;
        if !passes && self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            let until = self.until.load(Ordering::Relaxed);
            self.tell_after(Duration::from_millis(until.saturating_sub(now)));
        }
        passes
    }

    /// How many lines were left out and not reported yet.
    pub fn left_out(&self) -> Option<u64> {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        (left_out > 0).then_some(left_out)
    }

    /// Without a runtime, the next line reports the count.
    fn tell_after(&'static self, wait: Duration) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Some(left_out) = self.left_out() {
                    (self.tell)(left_out);
                }
            });
        }
    }
}

fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    millis(START.get_or_init(Instant::now).elapsed())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Writes a line that may come in floods: `limited!(WARN, "a reply could not be sent", %error)`. One in ten seconds, or so
/// many: `limited!(20 ERROR, ..)`, for lines that name what somebody may look for.
#[doc(hidden)]
#[macro_export]
macro_rules! __limited {
    ($level:ident, $($line:tt)+) => {
        $crate::__limited!(1 $level, $($line)+)
    };
    ($burst:literal $level:ident, $message:literal $(, $($fields:tt)+)?) => {{
        static LIMIT: $crate::__private::LogLimit = $crate::__private::LogLimit::new($burst, |left_out| {
            ::tracing::event!(
                ::tracing::Level::$level,
                left_out,
                concat!($message, " (more of these)")
            );
        });
        if LIMIT.passes() {
            let left_out = LIMIT.left_out();
            ::tracing::event!(::tracing::Level::$level, left_out, $($($fields)+,)? $message);
        }
    }};
}

pub(crate) use crate::__limited as limited;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_are_written_as_it_was_told() {
        static LIMIT: LogLimit = LogLimit::new(3, |_| ());
        let written: Vec<_> = (0..5).map(|_| LIMIT.passes()).collect();
        assert_eq!(written, [true, true, true, false, false]);
        assert_eq!(LIMIT.left_out(), Some(2));
    }

    #[tokio::test]
    async fn of_a_flood_some_lines_are_written_and_the_others_are_counted() {
        static TOLD: AtomicU64 = AtomicU64::new(0);
        static LIMIT: LogLimit = LogLimit::within(Duration::from_millis(50), 2, |left_out| {
            TOLD.fetch_add(left_out, Ordering::Relaxed);
        });
        let mut written = 0;
        while written < 6 {
            written += u64::from(LIMIT.passes());
        }
        let all = 100_000;
        let flood = (0..all).filter(|_| LIMIT.passes()).count() as u64;
        assert!(flood < all / 2, "{flood}");
        let told = || TOLD.load(Ordering::Relaxed);
        // When the flood is over, that is told, too.
        while LIMIT.left_out.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(flood + told() >= all, "{flood} and {}", told());
    }
}
