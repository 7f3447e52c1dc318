//! The requests of one command, taken until the service stops, and then without losing one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use eventmodel::board::CommandEntry;
use futures_util::{FutureExt, StreamExt};
use tokio::task::unconstrained;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connect::connection::{Connection, Failure};
use crate::sync::locked;

/// One command under its subject.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) entry: CommandEntry,
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) queue_group: String,
    stats: Mutex<Stats>,
}

/// What has happened since the service started.
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

    /// Counts an answer, and its error.
    pub(super) fn answered(&self, took: Duration, error: Option<String>) {
        let mut stats = locked(&self.stats);
        stats.requests += 1;
        stats.processing += took;
        if let Some(error) = error {
            stats.errors += 1;
            stats.last_error = error;
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let stats = locked(&self.stats);
        stats.clone()
    }
}

/// A count of messages that makes the server stop sending at once, while the client library waits for so many and keeps
/// what comes: a subscription that the client ends itself drops what is on its way.
const NO_MORE: u64 = u64::MAX;

/// How often to ask a server whether it has sent everything. A silent one has sent nothing for so long.
const ATTEMPTS: usize = 5;

/// Takes requests until `stop`, then those on their way.
pub(super) async fn serve(
    mut requests: Subscriber,
    take: impl Fn(Message),
    stop: CancellationToken,
    barrier: Barrier,
) {
    while let Some(Some(request)) = stop.run_until_cancelled(requests.next()).await {
        take(request);
    }
    if requests.unsubscribe_after(NO_MORE).await.is_err() {
        return;
    }
    let passed = barrier.pass();
    tokio::pin!(passed);
    loop {
        tokio::select! {
            Some(request) = requests.next() => take(request),
            () = &mut passed => break,
        }
    }
    // Everything has arrived by now.
    while let Some(Some(request)) = unconstrained(requests.next()).now_or_never() {
        take(request);
    }
}

/// A server sends in order on one connection: its answer to a request made after a subscription ended comes behind
/// everything it has sent for that subscription.
#[derive(Clone)]
pub(super) struct Barrier {
    pub(super) connection: Connection,
    /// A subject on which this process answers itself.
    pub(super) subject: Arc<str>,
    /// It does so while anybody may ask.
    pub(super) _answering: Arc<DropGuard>,
}

impl Barrier {
    async fn pass(&self) {
        for _ in 0..ATTEMPTS {
            let answer = self.connection.request(&self.subject, None, Bytes::new());
            match answer.await {
                // "No responders" keeps the same order.
                Ok(_) | Err(Failure::NoResponders(_)) => return,
                Err(failure) => tracing::debug!(%failure, "waiting for the last requests"),
            }
        }
    }
}
