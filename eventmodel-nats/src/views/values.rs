//! The values of a bucket in the order they were written: at first those that are there, of each key the newest.

use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use eventmodel::StoreError;
use tokio::time::{Instant, sleep, timeout_at};

use super::bucket::{Bucket, Value};
use crate::ordered::Ordered;

/// Between two attempts to make a consumer.
const RETRY: Duration = Duration::from_millis(50);

pub(super) struct Values {
    consumer: Ordered,
    sequence: u64,
}

impl Values {
    pub(super) fn new(consumer: Ordered) -> Self {
        Self {
            consumer,
            sequence: 0,
        }
    }

    /// The sequence of the last value that was given.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The next value, and how many are behind it; waits for one.
    ///
    /// # Errors
    /// What went wrong. If it is retryable, the next call goes on.
    pub(super) async fn next(&mut self, bucket: &Bucket) -> Result<(Value, u64), StoreError> {
        let start = match self.sequence {
            0 => DeliverPolicy::LastPerSubject,
            sequence => DeliverPolicy::ByStartSequence {
                start_sequence: sequence + 1,
            },
        };
        match self.consumer.next(start).await {
            Ok(delivered) => {
                let (message, sequence) = (delivered.message, delivered.sequence);
                self.sequence = sequence;
                let headers = message.headers.unwrap_or_default();
                let value = bucket.value(&message.subject, sequence, headers, message.payload)?;
                Ok((value, delivered.pending))
            }
            Err(problem) => {
                sleep(RETRY).await;
                // Another bucket of the same name would go on at a wrong place.
                bucket.verify().await?;
                Err(StoreError::Unavailable {
                    reason: format!("the bucket `{}` cannot be read: {problem}", bucket.name),
                })
            }
        }
    }

    /// As [`next`](Self::next), for one that must come.
    pub(super) async fn next_soon(&mut self, bucket: &Bucket) -> Result<(Value, u64), StoreError> {
        let wait = bucket.connection.timeout;
        let deadline = Instant::now() + wait;
        loop {
            match timeout_at(deadline, self.next(bucket)).await {
                Ok(Err(error)) if error.is_retryable() && Instant::now() < deadline => {
                    tracing::debug!(bucket = bucket.name, %error, "reading on");
                }
                Ok(next) => return next,
                Err(_) => {
                    let name = &bucket.name;
                    let reason = format!("nothing came from the bucket `{name}` within {wait:?}");
                    return Err(StoreError::Unavailable { reason });
                }
            }
        }
    }
}
