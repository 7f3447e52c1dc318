//! The messages of a log in their order, however often a consumer fails on the way.

use std::ops::Deref;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use eventmodel::StoreError;
use tokio::time::Instant;

use crate::get::subject;
use crate::log::Log;
use crate::message::Stored;
use crate::ordered::Ordered;

/// Between two attempts to make a consumer.
const RETRY: Duration = Duration::from_millis(50);

/// Walks over the messages of a log.
pub(crate) struct Walk<L> {
    pub(crate) log: L,
    /// The sequence of the last message.
    pub(crate) sequence: u64,
    consumer: Ordered,
    failing_since: Option<Instant>,
}

impl<L: Deref<Target = Log>> Walk<L> {
    /// Begins after a sequence; only messages on these subjects, or all.
    pub(crate) fn new(log: L, filter: Vec<String>, after: u64) -> Self {
        Self {
            consumer: Ordered::new(log.connection.clone(), log.stream.clone(), filter),
            log,
            sequence: after,
            failing_since: None,
        }
    }

    /// The next message, however long that takes.
    pub(crate) async fn next(&mut self) -> Result<Stored, StoreError> {
        loop {
            if let Some(message) = self.message().await? {
                return Ok(message);
            }
        }
    }

    /// The next message; none, if there has to be a new consumer first.
    pub(crate) async fn message(&mut self) -> Result<Option<Stored>, StoreError> {
        self.log.check()?;
        let start_sequence = self.sequence + 1;
        let start = DeliverPolicy::ByStartSequence { start_sequence };
        let problem = match self.consumer.next(start).await {
            Ok(delivered) => {
                self.failing_since = None;
                let message = Stored {
                    subject: subject(&delivered.message.subject)?,
                    sequence: delivered.sequence,
                    headers: delivered.message.headers.unwrap_or_default(),
                    payload: delivered.message.payload,
                };
                self.sequence = message.sequence;
                return Ok(Some(message));
            }
            Err(problem) => problem,
        };
        tracing::debug!(log = %self.log.name, after = self.sequence, problem, "reading with a new consumer");
        // It was alive, though there was nothing to read.
        if self.consumer.was_alive() {
            self.failing_since = None;
        }
        self.failed(problem).await?;
        // Another stream of the same name would go on at a wrong place.
        match self.log.verify().await {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(None),
        }
    }

    /// Waits before another attempt; fails if it has not gone on for as long as an answer may take.
    async fn failed(&mut self, problem: String) -> Result<(), StoreError> {
        let (now, bound) = (Instant::now(), self.log.connection.timeout);
        if now - *self.failing_since.get_or_insert(now) > bound {
            let reason = format!("the log `{}` cannot be read: {problem}", self.log.name);
            return Err(StoreError::Unavailable { reason });
        }
        tokio::time::sleep(RETRY).await;
        Ok(())
    }
}
