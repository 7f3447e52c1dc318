//! What automations have parked on a log: a key-value bucket of references.
//!
//! A change is a compare-and-set by the revision of the key. A refresh asks the leader for what has changed: usually
//! one request, whose answer is that nothing has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Stream};
use async_nats::{HeaderMap, HeaderValue};
use async_trait::async_trait;
use bytes::Bytes;
use eventmodel::record::Subject;
use eventmodel::store::{Claim, Kept, Parking};
use eventmodel::{Parked, Position, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::consumer::escaped;
use crate::connect::connection::Failure;
use crate::connect::drift::{Drift, drifted, settings};
use crate::connect::jetstream::EXPECTED;
use crate::connect::setup::Setup;
use crate::log::Log;
use crate::sync::locked;

const OPERATION: &str = "KV-Operation";
const DELETED: &str = "DEL";

/// What automations have parked on a log, and what this process changes there.
pub(super) struct KvParking {
    log: Arc<Log>,
    automation: &'static str,
    stream_name: String,
    stream: Stream<()>,
    bucket: String,
    /// The prefix of the subjects of parked events.
    prefix: String,
    /// The prefix of the subjects of suspects.
    suspects: String,
    /// Distinguishes the notes of this process from others.
    process: String,
    lease: Duration,
    known: Mutex<Known>,
    refreshing: tokio::sync::Mutex<()>,
    changed: AtomicBool,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct Known {
    /// The revision of each key, and what it holds.
    places: BTreeMap<Subject, (u64, Option<Kept>)>,
    /// The revision up to which this process knows everything.
    until: u64,
}

/// The value of a key.
#[derive(Serialize, Deserialize)]
struct Value {
    subject: Subject,
    position: Position,
    event_type: Arc<str>,
    error: String,
    attempts: u32,
    since: Timestamp,
    waiting: usize,
    last: Position,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
}

/// The bucket of a log: `hotel-parked`.
fn bucket(log: &str) -> String {
    format!("{log}-parked")
}

/// A subject as a key: keys allow fewer characters.
fn key(subject: &str) -> String {
    escaped(subject, |byte| matches!(byte, b'.' | b'-' | b'_' | b'/'))
}

impl KvParking {
    pub(super) async fn open(
        setup: &Setup,
        log: &Arc<Log>,
        automation: &'static str,
        durable: &str,
        wake: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let bucket = bucket(&log.name);
        let stream_name = format!("KV_{bucket}");
        ensure(setup, log, &bucket, &stream_name).await?;
        let stream = log
            .connection
            .jetstream
            .get_stream_no_info(&stream_name)
            .await;
        let parking = Self {
            log: log.clone(),
            automation,
            stream_name,
            stream: stream.map_err(StoreError::failed)?,
            prefix: format!("$KV.{bucket}.parked.{durable}."),
            suspects: format!("$KV.{bucket}.suspect.{durable}."),
            process: Uuid::now_v7().to_string(),
            lease: setup.hand_over,
            bucket,
            known: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            changed: AtomicBool::new(false),
            wake,
        };
        parking.refresh().await?;
        Ok(parking)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }

    /// Learns all changes up to now.
    pub(super) async fn refresh(&self) -> Result<(), StoreError> {
        let _one = self.refreshing.lock().await;
        loop {
            let after = self.known().until;
            let get = self.stream.raw_message_builder().sequence(after + 1);
            let answer = get.next_by_subject(format!("{}>", self.prefix)).send();
            let Some(message) = self
                .log
                .connection
                .leader_said(&self.stream_name, answer)
                .await?
            else {
                return Ok(());
            };
            let revision = message.sequence;
            let operation = message.headers.get(OPERATION).map(HeaderValue::as_str);
            let entry = match operation {
                None if !message.payload.is_empty() => Some(self.value(&message.payload)?),
                _ => None,
            };
            let mut known = self.known();
            known.until = revision;
            match entry {
                Some(mut kept) => {
                    kept.revision = revision;
                    known.learn(kept.parked.subject.clone(), revision, Some(kept));
                }
                None => {
                    let key = message.subject.strip_prefix(&self.prefix).unwrap_or("");
                    let gone = known.places.keys().find(|s| self::key(s.as_str()) == key);
                    let gone = gone.cloned().or_else(|| subject_of(key));
                    if let Some(subject) = gone {
                        known.learn(subject, revision, None);
                    }
                }
            }
        }
    }

    fn value(&self, payload: &[u8]) -> Result<Kept, StoreError> {
        let value: Value = serde_json::from_slice(payload).map_err(|error| {
            StoreError::failed(format!(
                "a key of the bucket `{}` does not hold a parked event: {error}",
                self.bucket
            ))
        })?;
        let mut parked = Parked::new(
            self.automation,
            self.log.name.clone(),
            value.subject,
            value.position,
            value.event_type,
            value.error,
            value.attempts,
            value.since,
        );
        parked.waiting = value.waiting;
        let mut kept = Kept::new(parked, value.last);
        kept.claim = value.claim;
        Ok(kept)
    }

    /// Writes a key; `None` if another process has changed it.
    async fn put(
        &self,
        subject: &str,
        expected: u64,
        value: Option<Vec<u8>>,
    ) -> Result<Option<u64>, StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, expected.to_string());
        if value.is_none() {
            headers.insert(OPERATION, DELETED);
        }
        let payload = Bytes::from(value.unwrap_or_default());
        let put = self
            .log
            .connection
            .publish(&self.stream_name, subject, headers, payload);
        match put.await {
            Ok(ack) => Ok(Some(ack.seq)),
            Err(Failure::Refused(refusal)) if refusal.is_conflict() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Notes a change that other processes must hear of.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Whether this process has changed anything since the last call.
    pub(super) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }
}

impl Known {
    fn learn(&mut self, subject: Subject, revision: u64, kept: Option<Kept>) {
        let known = self.places.get(&subject).map_or(0, |place| place.0);
        if known < revision {
            self.places.insert(subject, (revision, kept));
        }
    }
}

/// The subject of a key.
fn subject_of(key: &str) -> Option<Subject> {
    let mut bytes = key.bytes();
    let mut subject = String::with_capacity(key.len());
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            subject.push(u8::from_str_radix(digits, 16).ok()?.into());
        } else {
            subject.push(byte.into());
        }
    }
    Subject::new(&subject).ok()
}

#[async_trait]
impl Parking for KvParking {
    fn lease(&self) -> Duration {
        self.lease
    }

    fn list(&self) -> Vec<Parked> {
        let known = self.known();
        let kept = known.places.values().filter_map(|(_, kept)| kept.as_ref());
        kept.map(|kept| kept.parked.clone()).collect()
    }

    fn peek(&self, subject: &Subject) -> Option<Kept> {
        self.known().places.get(subject)?.1.clone()
    }

    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError> {
        self.refresh().await?;
        Ok(self.peek(subject))
    }

    async fn keep(&self, mut kept: Kept) -> Result<Option<u64>, StoreError> {
        let parked = kept.parked.clone();
        let subject = parked.subject.clone();
        let expected = match self.known().places.get(&subject) {
            // The key exists, and holds nothing.
            Some((revision, None)) if kept.revision == 0 => *revision,
            _ => kept.revision,
        };
        let value = Value {
            subject: parked.subject,
            position: parked.position,
            event_type: parked.event_type,
            error: parked.error,
            attempts: parked.attempts,
            since: parked.since,
            waiting: parked.waiting,
            last: kept.last,
            claim: kept.claim.clone(),
        };
        let value = serde_json::to_vec(&value).map_err(StoreError::failed)?;
        let key = format!("{}{}", self.prefix, key(subject.as_str()));
        let Some(revision) = self.put(&key, expected, Some(value)).await? else {
            return Ok(None);
        };
        kept.revision = revision;
        self.known().learn(subject, revision, Some(kept));
        self.note_change();
        Ok(Some(revision))
    }

    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError> {
        let key = format!("{}{}", self.prefix, key(subject.as_str()));
        let Some(revision) = self.put(&key, revision, None).await? else {
            return Ok(false);
        };
        self.known().learn(subject.clone(), revision, None);
        self.note_change();
        Ok(true)
    }
}

/// How often to write a key that others write at the same time.
const ATTEMPTS: usize = 5;

/// The value of a suspect's key: which process is about to handle it.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    process: String,
    /// How often JetStream had delivered it by then.
    deliveries: i64,
}

/// What to do with a suspect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Handle it: the note is written.
    Try,
    /// Park it: a process fell silent while this was its only suspect in hand.
    Guilty,
    /// Let go of it: JetStream has given it to another process since, which is about to handle it.
    Elsewhere,
}

impl KvParking {
    /// Notes that this process is about to handle a suspect, unless another process has noted that.
    pub(super) async fn note_suspect(
        &self,
        position: u64,
        deliveries: i64,
    ) -> Result<Verdict, StoreError> {
        let subject = format!("{}{position}", self.suspects);
        for _ in 0..ATTEMPTS {
            let found = self.stream.raw_message_builder().last_by_subject(&*subject);
            let found = self
                .log
                .connection
                .leader_said(&self.stream_name, found.send());
            let found = found.await?;
            let noted = found
                .as_ref()
                .filter(|message| message.headers.get(OPERATION).is_none());
            if let Some(message) = noted {
                let note: Note = serde_json::from_slice(&message.payload).unwrap_or_default();
                // Its own note, whose answer was lost, accuses nobody.
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

    /// Removes the note: the event is handled or parked.
    pub(super) async fn acquit(&self, position: u64) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, DELETED);
        let subject = format!("{}{position}", self.suspects);
        let connection = &self.log.connection;
        let put = connection.publish(&self.stream_name, &subject, headers, Bytes::new());
        put.await?;
        Ok(())
    }
}

/// Creates a missing bucket, and checks an existing one.
async fn ensure(setup: &Setup, log: &Log, bucket: &str, name: &str) -> Result<(), StoreError> {
    let connection = &log.connection;
    if let Some(found) = connection.stream_info(name).await? {
        let config = found.config;
        let replicas = setup.replicas.unwrap_or(config.num_replicas);
        let settings = settings! {
            "max_age", config.max_age.is_zero(), format!("{:?}", config.max_age) => "0: parked events stay", "--max-age 0";
            "num_replicas", config.num_replicas == replicas, config.num_replicas => replicas,
                format!("--replicas {replicas}");
        };
        let drift = Drift {
            of: format!(" of the bucket `{bucket}`"),
            settings,
            edit: format!("nats stream edit {name}"),
            renew: String::new(),
        };
        return drift.check(log.name.clone());
    }
    let replicas = match setup.replicas {
        Some(replicas) => replicas,
        None => {
            let info = connection.stream_info(&log.name).await?;
            info.map_or(1, |info| info.config.num_replicas)
        }
    };
    if !setup.create {
        return Err(drifted(
            log.name.clone(),
            format!(
                "there is no bucket `{bucket}` for what automations park, and this store may not create one; run `nats kv \
                 add {bucket} --replicas {replicas}`"
            ),
        ));
    }
    tracing::info!(log = %log.name, bucket, "creating the bucket for what automations park");
    let config = Config {
        name: name.to_owned(),
        description: Some("What automations of eventmodel have parked".into()),
        subjects: vec![format!("$KV.{bucket}.>")],
        storage: setup.storage,
        num_replicas: replicas,
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..Config::default()
    };
    connection.create_stream(&config).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_comes_back_from_its_key() {
        for text in ["booking.1.2022-12-12", "a.%20.b:c", "x.=3D.y"] {
            let key = key(text);
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-/_=.".contains(&b);
            assert!(key.bytes().all(fits), "{key}");
            assert_eq!(subject_of(&key).unwrap().as_str(), text);
        }
    }
}
