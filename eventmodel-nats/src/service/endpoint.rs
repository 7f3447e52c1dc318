//! The requests of one command: taken until it is told to stop, and then without losing one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::Subscriber;
use eventmodel::CommandEntry;
use futures_util::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::Handler;
use super::next;

/// What is served under one subject.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) entry: CommandEntry,
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) queue_group: String,
    stats: Mutex<Stats>,
}

/// What has happened since it is served.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) last_error: String,
    pub(super) processing: Duration,
}

impl Endpoint {
    pub(super) fn new(
        entry: CommandEntry,
        name: String,
        subject: String,
        queue_group: &str,
    ) -> Self {
        Self {
            entry,
            name,
            subject,
            queue_group: queue_group.to_owned(),
            stats: Mutex::default(),
        }
    }

    /// Counts an answer, with what was wrong.
    pub(super) fn answered(&self, took: Duration, error: Option<String>) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.requests += 1;
        stats.processing += took;
        if let Some(error) = error {
            stats.errors += 1;
            stats.last_error = error;
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.clone()
    }
}

/// More requests than can be on their way from the server: first for a busy command, then for one that is less busy than
/// that, and at last for one that is hardly used.
const ON_THEIR_WAY: [u64; 3] = [1000, 100, 10];

/// For how long so many are waited for. Where that is too long, fewer come.
const WAIT: Duration = Duration::from_millis(300);

/// Takes requests until `stop`.
pub(super) async fn serve(
    endpoint: Arc<Endpoint>,
    handler: Arc<Handler>,
    mut requests: Subscriber,
    stop: CancellationToken,
) {
    let mut received = 0;
    let take = |request| handler.take(&endpoint, request);
    while let Some(Some(request)) = stop.run_until_cancelled(requests.next()).await {
        received += 1;
        take(request);
    }
    // The client library forgets a subscription when it sends that it ends, with what the server has sent before it
    // hears of that. So the server is told to send a few more and no others: more than can be on their way.
    for few in ON_THEIR_WAY {
        let last = received + few;
        if requests.unsubscribe_after(last).await.is_err() {
            return;
        }
        let until = Instant::now() + WAIT;
        while let Some(request) = next(&mut requests, until).await {
            received += 1;
            take(request);
        }
        if received >= last {
            return;
        }
    }
    // So few come that hardly ever one is on its way.
    if requests.drain().await.is_ok() {
        while let Some(request) = next(&mut requests, Instant::now() + WAIT).await {
            take(request);
        }
    }
}
