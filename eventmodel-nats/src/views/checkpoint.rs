//! How far a view is in one log: a key of its bucket that moves only forward, after everything up to it is stored.
//!
//! It also names the process that moved it last. That one goes first: the others wait a moment for it before they apply
//! events themselves. This only saves work.

use async_nats::HeaderMap;
use eventmodel::{Position, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, Put, Value};
use super::build::json;
use super::key::CHECKPOINT;
use super::positions::ViewLog;

/// How often to write a checkpoint that others write too.
const ATTEMPTS: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// All events of the log up to this position are in the bucket.
    pub(super) position: u64,
    /// When the JetStream stream of the log was created.
    pub(super) created: Timestamp,
    /// The process that goes first; none if it has stopped in good order.
    pub(super) process: Option<String>,
}

#[derive(Debug)]
pub(super) struct Checkpoint {
    key: String,
    sequence: u64,
    record: Record,
}

impl Checkpoint {
    /// The checkpoint of a log, written now if it is missing, and whether it existed.
    pub(super) async fn open(bucket: &Bucket, log: &ViewLog) -> Result<(Self, bool), StoreError> {
        let mut checkpoint = Self {
            key: format!("{CHECKPOINT}{}", log.name),
            sequence: 0,
            record: Record {
                position: 0,
                created: log.created,
                process: None,
            },
        };
        checkpoint.refresh(bucket).await?;
        let was_there = checkpoint.sequence > 0;
        if !was_there {
            // Before the first entry: a checkpoint names the log that the bucket was built from.
            let record = checkpoint.record.clone();
            let there = |now: &Self| now.sequence > 0;
            checkpoint.write(bucket, &record, there).await?;
        }
        Ok((checkpoint, was_there))
    }

    pub(super) fn position(&self) -> Position {
        Position::new(self.record.position)
    }

    pub(super) fn created(&self) -> Timestamp {
        self.record.created
    }

    /// Whether another process goes first.
    pub(super) fn is_of_another(&self, process: &str) -> bool {
        let first = self.record.process.as_deref();
        first.is_some_and(|first| first != process)
    }

    /// Reads it again.
    pub(super) async fn refresh(&mut self, bucket: &Bucket) -> Result<(), StoreError> {
        match bucket.get(&self.key).await? {
            Some(value) => {
                let record = parse(bucket, &value)?;
                // A new leader may not have applied the newest one yet.
                if value.sequence >= self.sequence {
                    (self.sequence, self.record) = (value.sequence, record);
                }
                Ok(())
            }
            // It existed before.
            None if self.sequence > 0 => bucket.verify().await,
            None => Ok(()),
        }
    }

    /// Moves it on, unless it is already there.
    pub(super) async fn advance(
        &mut self,
        bucket: &Bucket,
        position: Position,
        process: &str,
    ) -> Result<(), StoreError> {
        let record = Record {
            position: position.get(),
            process: Some(process.to_owned()),
            ..self.record.clone()
        };
        let there = |now: &Self| now.position() >= position;
        self.write(bucket, &record, there).await
    }

    /// Lets others go first from now on.
    pub(super) async fn release(
        &mut self,
        bucket: &Bucket,
        position: Position,
        process: &str,
    ) -> Result<(), StoreError> {
        let record = Record {
            position: position.get().max(self.record.position),
            process: None,
            ..self.record.clone()
        };
        let there = |now: &Self| {
            let is_further = now.record.position > record.position;
            now.record == record || is_further || now.is_of_another(process)
        };
        self.write(bucket, &record, there).await
    }

    /// Writes it, unless it is there.
    async fn write(
        &mut self,
        bucket: &Bucket,
        record: &Record,
        is_there: impl Fn(&Self) -> bool,
    ) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            if is_there(self) {
                return Ok(());
            }
            let put = bucket.put(&self.key, self.sequence, HeaderMap::new(), json(record)?);
            match put.await? {
                Put::Stored(sequence) => {
                    (self.sequence, self.record) = (sequence, record.clone());
                    return Ok(());
                }
                Put::Conflict => {
                    let before = self.sequence;
                    self.refresh(bucket).await?;
                    // Another write may be under way, still invisible.
                    if self.sequence == before {
                        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    }
                }
            }
        }
        Err(StoreError::Unavailable {
            reason: format!(
                "the key `{}` of the bucket `{}` is written by others all the time",
                self.key, bucket.name
            ),
        })
    }
}

/// The log of a checkpoint and its record, if the value is one.
pub(super) fn read<'a>(
    bucket: &Bucket,
    value: &'a Value,
) -> Result<Option<(&'a str, Record)>, StoreError> {
    let Some(log) = value.key.strip_prefix(CHECKPOINT) else {
        return Ok(None);
    };
    Ok(Some((log, parse(bucket, value)?)))
}

fn parse(bucket: &Bucket, value: &Value) -> Result<Record, StoreError> {
    if !value.is_own {
        let (key, anew) = (&value.key, bucket.anew());
        return Err(bucket.drifted(format!(
            "the value of `{key}` was written for another bucket of this name, which was deleted, or which this one is a \
             copy of: restart the process; if it says so again, {anew}"
        )));
    }
    serde_json::from_slice(&value.payload).map_err(|error| {
        let (key, anew) = (&value.key, bucket.anew());
        bucket.drifted(format!(
            "the value of `{key}` cannot be read: {error}; {anew}"
        ))
    })
}
