//! The messages of a log in order, without a gap or a repetition however often delivery fails.
//!
//! A restart begins at the last message read: if it is gone, or is another one, what follows does not continue what was
//! read.

use std::cmp::Ordering;
use std::ops::Deref;
use std::time::Duration;

use eventmodel::StoreError;
use tokio::time::Instant;

use crate::log::Log;
use crate::log::message::{Identity, Stored};
use crate::log::read::delivery::{Delivery, Start};

/// The wait before another start.
const RETRY: Duration = Duration::from_millis(50);

/// The messages of a log, resumed after failures.
pub(crate) struct Resumed<L> {
    pub(crate) log: L,
    /// The sequence of the last message read.
    pub(crate) sequence: u64,
    /// The identity of that message, if this reader has read it.
    last: Option<Identity>,
    /// Whether the delivery is known to continue it.
    follows: bool,
    messages: Delivery,
    failing_since: Option<Instant>,
}

impl<L: Deref<Target = Log>> Resumed<L> {
    /// Starts after a sequence; reads messages on these subjects, or all.
    pub(crate) fn new(log: L, filter: Vec<String>, after: u64) -> Self {
        let (connection, stream) = (log.connection.clone(), log.stream.clone());
        Self {
            messages: Delivery::new(connection, log.name.to_string(), stream, filter),
            log,
            sequence: after,
            last: None,
            follows: false,
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

    /// The next message; none if the delivery has to start again first.
    pub(crate) async fn message(&mut self) -> Result<Option<Stored>, StoreError> {
        self.log.check()?;
        let problem = loop {
            let start = self.sequence + u64::from(self.last.is_none());
            let delivered = match self.messages.next(Start::At(start)).await {
                Ok(Some(delivered)) => delivered,
                Ok(None) => {
                    self.failing_since = None;
                    self.verify().await?;
                    continue;
                }
                Err(problem) => break problem,
            };
            self.failing_since = None;
            if delivered.is_first {
                self.follows = false;
            }
            let (headers, payload) = (delivered.headers, delivered.payload);
            let message = Stored::new(&delivered.subject, delivered.sequence, headers, payload)?;
            if self.is_new(&message).await? {
                (self.sequence, self.last) = (message.sequence, Some(message.identity()));
                self.follows = true;
                return Ok(Some(message));
            }
        };
        tracing::debug!(log = %self.log.name, after = self.sequence, problem, "reading anew");
        // It lived, though there was nothing to read.
        if self.messages.was_alive() {
            self.failing_since = None;
        }
        self.failed(problem).await?;
        self.verify().await?;
        Ok(None)
    }

    /// Another stream of the same name would continue at a wrong place.
    async fn verify(&self) -> Result<(), StoreError> {
        match self.log.verify().await {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a message is new. Fails if it does not continue what was read.
    async fn is_new(&mut self, message: &Stored) -> Result<bool, StoreError> {
        let order = message.sequence.cmp(&self.sequence);
        match (order, self.last) {
            // A lagging server starts before the requested sequence.
            (Ordering::Less, _) | (Ordering::Equal, None) => Ok(false),
            (Ordering::Equal, Some(last)) if message.identity() == last => {
                self.follows = true;
                Ok(false)
            }
            (Ordering::Greater, None) => Ok(true),
            (Ordering::Greater, Some(_)) if self.follows => Ok(true),
            (Ordering::Equal | Ordering::Greater, Some(_)) => {
                Err(self.log.broken_off(self.sequence).await)
            }
        }
    }

    /// Waits before another attempt. Fails if nothing has worked for as long as an answer may take.
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
