//! The values of a bucket in the order of their writes, starting with the newest of each key.

use std::time::Duration;

use eventmodel::StoreError;
use tokio::time::{Instant, sleep, timeout_at};

use super::bucket::{Bucket, Value};
use crate::connect::subjects::covers;
use crate::log::read::delivery::{Delivery, Start};

/// The wait before another attempt.
const RETRY: Duration = Duration::from_millis(50);

pub(super) struct Values {
    messages: Delivery,
    filter: Vec<String>,
    sequence: u64,
}

impl Values {
    /// The values of the keys that start with these tokens, or fit one more pattern of keys.
    pub(super) fn new(bucket: &Bucket, prefix: &str, beside: Option<&str>) -> Self {
        let mut filter = bucket.under(prefix);
        if let Some(beside) = beside.filter(|_| !prefix.is_empty()) {
            filter.push(format!("{}{beside}", bucket.subjects));
        }
        let (connection, stream) = (bucket.connection.clone(), bucket.stream.clone());
        let name = bucket.stream_name.clone();
        Self {
            messages: Delivery::new(connection, name, stream, filter.clone()),
            filter,
            sequence: 0,
        }
    }

    /// Leaves out what stands up to this sequence.
    pub(super) fn go_on_after(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// The sequence of the last value.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Waits for the next value; also returns how many follow it.
    ///
    /// # Errors
    /// What went wrong. If it is retryable, the next call goes on.
    pub(super) async fn next(&mut self, bucket: &Bucket) -> Result<(Value, u64), StoreError> {
        let problem = loop {
            let start = match self.sequence {
                0 => Start::LastPerSubject,
                sequence => Start::At(sequence + 1),
            };
            let delivered = match self.messages.next(start).await {
                Ok(Some(delivered)) => delivered,
                Ok(None) => {
                    bucket.verify().await?;
                    continue;
                }
                Err(problem) => break problem,
            };
            self.sequence = delivered.sequence;
            let subject = &delivered.subject;
            if self.filter.iter().any(|pattern| covers(pattern, subject)) {
                let (headers, payload) = (delivered.headers, delivered.payload);
                let value = bucket.value(subject, delivered.sequence, headers, payload)?;
                return Ok((value, delivered.pending));
            }
        };
        sleep(RETRY).await;
        // Another bucket of the same name would continue at a wrong place.
        bucket.verify().await?;
        Err(StoreError::Unavailable {
            reason: format!("the bucket `{}` cannot be read: {problem}", bucket.name),
        })
    }

    /// As [`next`](Self::next), for a value that must come in time.
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
