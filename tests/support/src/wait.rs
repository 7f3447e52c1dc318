use std::time::Duration;

use tokio::time::{Instant, sleep};

/// For what takes milliseconds on a machine at leisure and seconds on a busy one.
const BOUND: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until it holds, for a minute at most.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + BOUND;
    while !holds().await {
        assert!(Instant::now() < end, "{what}: not within {BOUND:?}");
        sleep(PAUSE).await;
    }
}
