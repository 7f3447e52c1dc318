//! A KV bucket: a JetStream stream with one subject for each key. Every write names the value that it replaces.
//!
//! While this process writes a bucket, others may delete and recreate it, or a power failure may remove its end.
//! The sequences of a bucket are not those of another bucket of its name, so no other bucket takes a write that
//! replaces a value. It may take a first write of a key, which then carries the mark of the first bucket and must hold
//! the fold of all events. So [verify](Bucket::verify) what was read before folding anything from it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};
use bytes::Bytes;
use eventmodel::StoreError;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::connect::connection::{Connection, ELECTION, Failure};
use crate::connect::drift::{Drift, drifted, settings};
use crate::connect::jetstream::EXPECTED;
use crate::connect::jetstream::NOT_FOUND;
use crate::connect::setup::{Setup, storage};

/// The header of a value that says for which bucket it was written, by the time of its creation.
const BUCKET: &str = "Eventmodel-Bucket";

/// The header by which a client of a bucket deletes a value.
const OPERATION: &str = "KV-Operation";

/// What a bucket must be.
#[derive(Clone, Debug)]
pub(super) struct BucketSpec {
    pub(super) name: String,
    /// What it is for, in words.
    pub(super) description: String,
    /// How many values of each key it keeps.
    pub(super) history: i64,
    /// The metadata that it must have, and what to do if it has other ones.
    pub(super) metadata: Vec<(&'static str, String, String)>,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) connection: Connection,
    pub(super) stream_name: String,
    pub(super) stream: Stream<()>,
    /// When it was created: another bucket of its name has another time.
    created: Timestamp,
    /// The last sequence that this process has seen in it.
    newest: AtomicU64,
    /// The subjects of its keys, up to the key.
    pub(super) subjects: String,
    /// The same for a publish, which may need the prefix of a domain.
    publishes: String,
}

/// A value in a bucket.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) key: String,
    pub(super) sequence: u64,
    /// Whether a process wrote it for this bucket, not for another one of its name.
    pub(super) is_own: bool,
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// A part of the subjects of a stream.
#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    total: u64,
    created: Timestamp,
    state: NamedState,
}

#[derive(Deserialize)]
struct NamedState {
    last_seq: u64,
    subjects: Option<HashMap<String, u64>>,
}

/// How the server answered a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It stored the value at this sequence.
    Stored(u64),
    /// It stored nothing: another value is there, or another write is under way.
    Conflict,
}

impl Bucket {
    /// Opens a bucket: creates a missing one, checks an existing one.
    pub(super) async fn open(
        connection: &Connection,
        setup: &Setup,
        spec: &BucketSpec,
    ) -> Result<Self, StoreError> {
        let stream_name = format!("KV_{}", spec.name);
        let end = Instant::now() + connection.timeout;
        while Instant::now() < end {
            let Some(info) = connection.stream_info(&stream_name).await? else {
                create(connection, setup, spec).await?;
                // A server that has not yet heard of it says that it does not exist.
                sleep(ELECTION).await;
                continue;
            };
            check(setup, spec, &info.config)?;
            let handle = connection.jetstream.get_stream_no_info(&stream_name).await;
            let subjects = format!("$KV.{}.", spec.name);
            let publishes = match &*connection.api {
                "$JS.API" => subjects.clone(),
                api => format!("{api}.{subjects}"),
            };
            return Ok(Self {
                name: spec.name.clone(),
                connection: connection.clone(),
                stream_name,
                stream: handle.map_err(StoreError::failed)?,
                created: info.created,
                newest: AtomicU64::new(info.state.last_seq),
                subjects,
                publishes,
            });
        }
        Err(StoreError::Unavailable {
            reason: format!(
                "the bucket `{}` is created and deleted by others all the time",
                spec.name
            ),
        })
    }

    /// The last sequence that this process has seen in it.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// The value of a key, as the leader knows it.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let subject = format!("{}{key}", self.subjects);
        self.last(&subject).await
    }

    /// The sequence of the newest value of the keys that start with these tokens, as the leader knows it.
    pub(super) async fn end_of(&self, prefix: &str) -> Result<u64, StoreError> {
        let mut end = 0;
        for subject in self.under(prefix) {
            let last = self.last(&subject).await?;
            end = end.max(last.map_or(0, |last| last.sequence));
        }
        Ok(end)
    }

    /// The names of the keys, a part at a time, as a leader knows them that has everything which this process has seen
    /// in the bucket.
    pub(super) async fn keys(
        &self,
        mut named: impl FnMut(&mut dyn Iterator<Item = &str>),
    ) -> Result<(), StoreError> {
        let endpoint = format!("STREAM.INFO.{}", self.stream_name);
        let newest = self.newest();
        let mut offset = 0;
        loop {
            let filter = format!("{}>", self.subjects);
            let body = serde_json::json!({"subjects_filter": filter, "offset": offset});
            let body = body.to_string().into();
            let part = self.connection.api_patiently(&endpoint, body).await;
            let part: Names = part.map_err(|failure| match failure {
                Failure::Refused(refusal) if refusal.err_code == NOT_FOUND => self.gone(),
                other => other.into(),
            })?;
            if part.created != self.created || part.state.last_seq < newest {
                // It is another bucket, or a new leader has not applied everything yet.
                self.verify().await?;
                continue;
            }
            let subjects = part.state.subjects.unwrap_or_default();
            offset += subjects.len() as u64;
            let is_last = subjects.is_empty() || offset >= part.total;
            let names = subjects.keys();
            named(&mut names.filter_map(|subject| subject.strip_prefix(&self.subjects)));
            if is_last {
                return Ok(());
            }
        }
    }

    async fn last(&self, subject: &str) -> Result<Option<Value>, StoreError> {
        let get = self.stream.raw_message_builder().last_by_subject(subject);
        let said = self.connection.leader_said(&self.stream_name, get.send());
        let message = match said.await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(Failure::Refused(refusal)) if refusal.err_code == NOT_FOUND => {
                return Err(self.gone());
            }
            Err(failure) => return Err(failure.into()),
        };
        self.value(
            &message.subject,
            message.sequence,
            message.headers,
            message.payload,
        )
        .map(Some)
    }

    /// The message with this subject as a value of this bucket.
    pub(super) fn value(
        &self,
        subject: &str,
        sequence: u64,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Value, StoreError> {
        let key = subject.strip_prefix(&self.subjects).unwrap_or(subject);
        if headers.get(OPERATION).is_some() {
            return Err(self.drifted(format!(
                "somebody has deleted the key `{key}`, which only the view itself may write: {}",
                self.anew()
            )));
        }
        let created = headers.get(BUCKET).map(|created| created.as_str().parse());
        let is_own = matches!(created, Some(Ok(created)) if self.created == created);
        if is_own {
            self.newest.fetch_max(sequence, Ordering::Relaxed);
        }
        Ok(Value {
            key: key.to_owned(),
            sequence,
            is_own,
            headers,
            payload,
        })
    }

    /// Writes a key, if its value is still the one at this sequence, or, for 0, if it has never had one.
    ///
    /// After an error the server may still store it, even later, but only while that value is unchanged.
    pub(super) async fn put(
        &self,
        key: &str,
        expected: u64,
        mut headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Put, StoreError> {
        let (size, max) = (payload.len(), self.connection.client.max_payload());
        if size > max {
            return Err(StoreError::failed(format!(
                "the value of `{key}` in the bucket `{}` has {size} bytes, and the server takes {max}: key the view by \
                 more, so that each instance holds less",
                self.name
            )));
        }
        headers.insert(EXPECTED, expected.to_string());
        headers.insert(BUCKET, self.created.to_string());
        let newest = self.newest();
        let subject = format!("{}{key}", self.publishes);
        let end = Instant::now() + self.connection.timeout;
        loop {
            let (headers, payload) = (headers.clone(), payload.clone());
            let published = self
                .connection
                .publish(&self.stream_name, &subject, headers, payload);
            match published.await {
                Ok(ack) if ack.seq <= newest => return Err(self.lost_its_end(newest)),
                Ok(ack) => {
                    self.newest.fetch_max(ack.seq, Ordering::Relaxed);
                    return Ok(Put::Stored(ack.seq));
                }
                Err(Failure::Refused(refusal)) if refusal.is_conflict() => {
                    return Ok(Put::Conflict);
                }
                // A server hears of a new bucket, or of its new leader, a moment later.
                Err(Failure::NoResponders(_)) if Instant::now() < end => {
                    self.verify().await?;
                    sleep(ELECTION).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// The subjects of the keys that start with these tokens.
    pub(super) fn under(&self, prefix: &str) -> Vec<String> {
        let subjects = &self.subjects;
        if prefix.is_empty() {
            return vec![format!("{subjects}>")];
        }
        vec![
            format!("{subjects}{prefix}"),
            format!("{subjects}{prefix}.>"),
        ]
    }

    /// Asks the server whether the bucket is still the opened one, with everything that this process has seen in it.
    ///
    /// # Errors
    /// [`StoreError::Drift`] if it is not.
    pub(super) async fn verify(&self) -> Result<(), StoreError> {
        let wait = self.connection.timeout;
        let newest = self.newest();
        let until = Instant::now() + 4 * wait;
        loop {
            let info = self.connection.stream_info(&self.stream_name).await?;
            let last = match info {
                Some(info) if info.created == self.created => info.state.last_seq,
                _ => return Err(self.gone()),
            };
            if last >= newest {
                return Ok(());
            }
            // A new leader may not have applied everything yet.
            if Instant::now() >= until {
                return Err(self.lost_its_end(newest));
            }
            sleep(wait / 20).await;
        }
    }

    /// As [`verify`](Self::verify), unless the value proves its bucket.
    pub(super) async fn verify_for(&self, value: Option<&Value>) -> Result<(), StoreError> {
        match value {
            Some(value) if value.is_own => Ok(()),
            _ => self.verify().await,
        }
    }

    /// The error if the bucket is gone or replaced.
    pub(super) fn gone(&self) -> StoreError {
        let created = self.created;
        self.drifted(format!(
            "the bucket was deleted, or deleted and created again, while this process wrote it (it was created at \
             {created} when it was opened); restart the process, so that the view is built again"
        ))
    }

    fn lost_its_end(&self, newest: u64) -> StoreError {
        let anew = self.anew();
        self.drifted(format!(
            "its sequence {newest} was seen and is gone: a machine has lost power before it was on the disk, or an older \
             state was restored; {anew}"
        ))
    }

    pub(super) fn drifted(&self, reason: String) -> StoreError {
        drifted(&*self.stream_name, reason)
    }

    /// How to have the view built again.
    pub(super) fn anew(&self) -> String {
        format!(
            "give the view another version (`KvViews::version`), or stop all that host it and run `nats kv del {}`; it \
             is then built again from its logs",
            self.name
        )
    }
}

fn config(setup: &Setup, spec: &BucketSpec) -> Config {
    let noted = |(name, value, _): &(&str, String, String)| ((*name).to_owned(), value.clone());
    let metadata: HashMap<String, String> = spec.metadata.iter().map(noted).collect();
    Config {
        name: format!("KV_{}", spec.name),
        description: Some(spec.description.clone()),
        subjects: vec![format!("$KV.{}.>", spec.name)],
        retention: RetentionPolicy::Limits,
        storage: setup.storage,
        discard: DiscardPolicy::New,
        num_replicas: setup.replicas.unwrap_or(1),
        max_messages_per_subject: spec.history,
        allow_direct: true,
        deny_delete: true,
        // A purged key would look like a new one.
        deny_purge: true,
        metadata,
        first_sequence: Some(first_sequence()),
        ..Config::default()
    }
}

/// Where the sequences of a bucket begin: at random, so that they differ from those of another bucket of its name, and
/// one refuses a write that replaces a value of the other. Below 2^48, which every language can count.
fn first_sequence() -> u64 {
    let (_, chance) = Uuid::now_v7().as_u64_pair();
    1 + chance % (1 << 48)
}

async fn create(
    connection: &Connection,
    setup: &Setup,
    spec: &BucketSpec,
) -> Result<(), StoreError> {
    let name = &spec.name;
    if !setup.create {
        return Err(drifted(
            format!("KV_{name}"),
            format!(
                "there is no bucket `{name}`, and this store may not create one; let one that may start the app once \
                 (a bucket has metadata that `nats kv add` does not write)"
            ),
        ));
    }
    tracing::info!(bucket = name, "creating the bucket");
    connection.create_stream(&config(setup, spec)).await?;
    Ok(())
}

/// Fails if a bucket is not what it must be.
fn check(setup: &Setup, spec: &BucketSpec, config: &Config) -> Result<(), StoreError> {
    let (bucket, stream) = (&spec.name, &config.name);
    for (name, needed, remedy) in &spec.metadata {
        let actual = config.metadata.get(*name).map_or("", String::as_str);
        if actual != needed {
            let reason = format!(
                "its metadata say `{name}` is `{actual}`, and it must be `{needed}`: {remedy}"
            );
            return Err(drifted(stream.clone(), reason));
        }
    }
    let (history, replicas) = (spec.history, setup.replicas.unwrap_or(config.num_replicas));
    let is_limited = config.max_messages > 0 || config.max_bytes > 0;
    let settings = settings! {
        "storage", config.storage == setup.storage, storage(config.storage) => storage(setup.storage);
        "max_msgs_per_subject", config.max_messages_per_subject == history, config.max_messages_per_subject => history,
            format!("--max-msgs-per-subject={history}");
        "max_age", config.max_age.is_zero(), format!("{:?}", config.max_age) => "0: values stay", "--max-age 0";
        "num_replicas", config.num_replicas == replicas, config.num_replicas => replicas,
            format!("--replicas {replicas}");
        "max_msgs` or `max_bytes", !is_limited, "limited" => "-1: no limit", "--max-msgs=-1 --max-bytes=-1";
    };
    let drift = Drift {
        of: String::new(),
        settings,
        edit: format!("nats stream edit {stream}"),
        renew: format!(
            "a JetStream stream keeps this for good: stop the programs, run `nats kv del {bucket}`, and start them; they \
             make the bucket anew"
        ),
    };
    drift.check(stream.clone())
}
