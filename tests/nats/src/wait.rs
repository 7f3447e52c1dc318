//! Waiting for a condition, bounded.

use std::time::{Duration, Instant};

/// For what takes milliseconds on a machine at leisure and seconds on a busy one.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

pub(crate) enum Waited<T> {
    Done(T),
    /// Not yet, and why.
    Not(String),
}

/// Looks until it is done; the last reason why not, when the time is over.
pub(crate) async fn poll<T>(
    bound: Duration,
    mut look: impl AsyncFnMut() -> Waited<T>,
) -> Result<T, String> {
    let end = Instant::now() + bound;
    loop {
        match look().await {
            Waited::Done(value) => return Ok(value),
            Waited::Not(why) if Instant::now() > end => return Err(why),
            Waited::Not(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
