//! Events that several processes had in hand when they ended: who is about to handle one says so in a key of its own.

use async_nats::HeaderMap;
use bytes::Bytes;
use eventmodel::StoreError;
use serde::{Deserialize, Serialize};

use super::{DELETED, KvParking, OPERATION};

/// How often a key is changed that others change at the same time.
const ATTEMPTS: usize = 5;

/// The value of the key of a suspect: who is about to handle it.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    process: String,
    /// How often it had been delivered by then.
    deliveries: i64,
}

/// What to do with an event that several processes have had in hand when they ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::inbox) enum Verdict {
    /// To handle it: that is noted.
    Try,
    /// To park it: a process was not heard of any more while this was the only such event in its hand.
    Guilty,
    /// To let go of it: another process was given it since, and is about to handle it.
    Elsewhere,
}

impl KvParking {
    /// Notes that this process is about to handle an event that several have had in hand when they ended, unless
    /// somebody else has noted that.
    pub(in crate::inbox) async fn suspect(
        &self,
        position: u64,
        deliveries: i64,
    ) -> Result<Verdict, StoreError> {
        let subject = format!("{}{position}", self.suspects);
        let stream = format!("KV_{}", self.bucket);
        for _ in 0..ATTEMPTS {
            let found = self.stream.raw_message_builder().last_by_subject(&*subject);
            let found = self.log.connection.leader_said(&stream, found.send());
            let found = found.await?;
            let noted = found
                .as_ref()
                .filter(|message| message.headers.get(OPERATION).is_none());
            if let Some(message) = noted {
                let note: Note = serde_json::from_slice(&message.payload).unwrap_or_default();
                // Its own note, if the answer to it was lost, accuses nobody.
                return Ok(if note.process == self.process {
                    Verdict::Try
                } else if note.deliveries < deliveries {
                    Verdict::Guilty
                } else {
                    Verdict::Elsewhere
                });
            }
            let note = Note {
                process: self.process.clone(),
                deliveries,
            };
            let note = serde_json::to_vec(&note).map_err(StoreError::failed)?;
            let revision = found.map_or(0, |message| message.sequence);
            if self.put(&subject, revision, Some(note)).await?.is_some() {
                return Ok(Verdict::Try);
            }
        }
        Err(StoreError::Unavailable {
            reason: format!("the key `{subject}` is changed by others all the time"),
        })
    }

    /// It was handled, or parked.
    pub(in crate::inbox) async fn acquit(&self, position: u64) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, DELETED);
        let subject = format!("{}{position}", self.suspects);
        let stream = format!("KV_{}", self.bucket);
        let connection = &self.log.connection;
        let put = connection.publish(&stream, &subject, headers, Bytes::new());
        put.await?;
        Ok(())
    }
}
