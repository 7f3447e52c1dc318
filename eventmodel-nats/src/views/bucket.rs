//! A KV bucket: a JetStream stream with one subject for each key. Every write says which one it replaces.

use std::collections::HashMap;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};
use bytes::Bytes;
use eventmodel::StoreError;
use jiff::Timestamp;

use crate::connection::{Connection, Failure};
use crate::message::EXPECTED;
use crate::ordered::Ordered;
use crate::setup::{Setup, StreamInfo};

use super::values::Values;

/// What a client of a bucket writes in place of a value that it deletes.
const OPERATION: &str = "KV-Operation";

/// A stream of this name is there already: somebody was quicker.
const NAME_IN_USE: u16 = 10058;

/// How often a set-up is tried that others change at the same time.
const ATTEMPTS: usize = 5;

/// What a bucket must be.
#[derive(Clone, Debug)]
pub(super) struct BucketSpec {
    pub(super) name: String,
    /// What it is for, in words.
    pub(super) description: String,
    /// How many values of each key it keeps.
    pub(super) history: i64,
    /// What must be noted with it, and what to do if something else is.
    pub(super) metadata: Vec<(&'static str, String, String)>,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) connection: Connection,
    stream: Stream<()>,
    created: Timestamp,
    /// The subjects of its keys, up to the key.
    subjects: String,
    /// The same for a publish, which may go through the prefix of a domain.
    publishes: String,
}

/// A value in a bucket.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) key: String,
    pub(super) sequence: u64,
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is stored at this sequence.
    Stored(u64),
    /// Nothing was stored: there is another value than was said, or another write is under way.
    Conflict,
}

impl Bucket {
    /// Opens a bucket: creates it if it is missing, else checks it.
    pub(super) async fn open(
        connection: &Connection,
        setup: &Setup,
        spec: &BucketSpec,
    ) -> Result<Self, StoreError> {
        let stream = format!("KV_{}", spec.name);
        for _ in 0..ATTEMPTS {
            let Some(info) = connection.stream_info(&stream).await? else {
                create(connection, setup, spec).await?;
                continue;
            };
            if let Some(reason) = drift(setup, spec, &info.config) {
                return Err(drifted(&spec.name, reason));
            }
            let handle = connection.jetstream.get_stream_no_info(&stream).await;
            let subjects = format!("$KV.{}.", spec.name);
            let publishes = match &*connection.api {
                "$JS.API" => subjects.clone(),
                api => format!("{api}.{subjects}"),
            };
            return Ok(Self {
                name: spec.name.clone(),
                connection: connection.clone(),
                stream: handle.map_err(StoreError::failed)?,
                created: info.created,
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

    async fn last(&self, subject: &str) -> Result<Option<Value>, StoreError> {
        let get = self.stream.raw_message_builder().last_by_subject(subject);
        let name = format!("KV_{}", self.name);
        let message = self.connection.leader_said(&name, get.send()).await?;
        let Some(message) = message else {
            return Ok(None);
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
        Ok(Value {
            key: key.to_owned(),
            sequence,
            headers,
            payload,
        })
    }

    /// Writes a key, if its value is still the one at this sequence, or, at 0, if it never had one.
    ///
    /// After an error it may be stored, also later: then only if its value is still that one.
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
        let subject = format!("{}{key}", self.publishes);
        let stream = format!("KV_{}", self.name);
        let published = self.connection.publish(&stream, &subject, headers, payload);
        match published.await {
            Ok(ack) => Ok(Put::Stored(ack.seq)),
            Err(Failure::Refused(refusal)) if refusal.is_conflict() => Ok(Put::Conflict),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The values of the keys that start with these tokens, or fit one more pattern of keys.
    pub(super) fn values(&self, prefix: &str, beside: Option<&str>) -> Values {
        let mut filter = self.under(prefix);
        if let Some(beside) = beside.filter(|_| !prefix.is_empty()) {
            filter.push(format!("{}{beside}", self.subjects));
        }
        Values::new(Ordered::new(
            self.connection.clone(),
            self.stream.clone(),
            filter,
        ))
    }

    fn under(&self, prefix: &str) -> Vec<String> {
        let subjects = &self.subjects;
        if prefix.is_empty() {
            return vec![format!("{subjects}>")];
        }
        vec![
            format!("{subjects}{prefix}"),
            format!("{subjects}{prefix}.>"),
        ]
    }

    /// Asks the server whether the bucket is still the one that was opened.
    pub(super) async fn verify(&self) -> Result<(), StoreError> {
        let info = self
            .connection
            .stream_info(&format!("KV_{}", self.name))
            .await?;
        if info.is_some_and(|info| info.created == self.created) {
            return Ok(());
        }
        Err(self.drifted(
            "the bucket was deleted, or deleted and created again, while this process wrote it; restart the process, so \
             that the view is built again"
                .into(),
        ))
    }

    pub(super) fn drifted(&self, reason: String) -> StoreError {
        drifted(&self.name, reason)
    }

    /// How to get a view that is built again.
    pub(super) fn anew(&self) -> String {
        format!(
            "give the view another version (`KvViews::version`), or stop all that host it and run `nats kv del {}`; it \
             is then built again from its logs",
            self.name
        )
    }
}

fn drifted(bucket: &str, reason: String) -> StoreError {
    StoreError::Drift {
        log: format!("KV_{bucket}").into(),
        reason,
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
        // A purged key would look like one that never was.
        deny_purge: true,
        metadata,
        ..Config::default()
    }
}

async fn create(
    connection: &Connection,
    setup: &Setup,
    spec: &BucketSpec,
) -> Result<(), StoreError> {
    let name = &spec.name;
    if !setup.create {
        return Err(drifted(
            name,
            format!(
                "there is no bucket `{name}`, and this store may not create one; let one that may start the app once \
                 (a bucket has metadata that `nats kv add` does not write)"
            ),
        ));
    }
    tracing::info!(bucket = name, "creating the bucket");
    let config = serde_json::to_vec(&config(setup, spec)).map_err(StoreError::failed)?;
    let endpoint = format!("STREAM.CREATE.KV_{name}");
    match connection.api::<StreamInfo>(&endpoint, config).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refusal)) if refusal.err_code == NAME_IN_USE => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// The first setting that is not what is needed: which, what it is, what it must be, what to do.
fn drift(setup: &Setup, spec: &BucketSpec, config: &Config) -> Option<String> {
    let stream = &config.name;
    for (name, needed, remedy) in &spec.metadata {
        let actual = config.metadata.get(*name).map_or("", String::as_str);
        if actual != needed {
            return Some(format!(
                "its metadata say `{name}` is `{actual}`, and it must be `{needed}`: {remedy}"
            ));
        }
    }
    let edit = |setting: &str, actual: String, needed: String, flag: String| {
        format!(
            "`{setting}` is {actual} and must be {needed}; run `nats stream edit {stream} {flag}`"
        )
    };
    let (is, needed) = (config.max_messages_per_subject, spec.history);
    if is != needed {
        let flag = format!("--max-msgs-per-subject={needed}");
        return Some(edit(
            "max_msgs_per_subject",
            is.to_string(),
            needed.to_string(),
            flag,
        ));
    }
    if !config.max_age.is_zero() {
        let actual = format!("{:?}", config.max_age);
        return Some(edit(
            "max_age",
            actual,
            "0: values are kept".into(),
            "--max-age 0".into(),
        ));
    }
    let (is, needed) = (config.num_replicas, setup.replicas);
    if let Some(needed) = needed.filter(|needed| *needed != is) {
        let flag = format!("--replicas {needed}");
        return Some(edit(
            "num_replicas",
            is.to_string(),
            needed.to_string(),
            flag,
        ));
    }
    let limited = [config.max_messages, config.max_bytes]
        .iter()
        .any(|max| *max > 0);
    if limited {
        let flag = "--max-msgs=-1 --max-bytes=-1".into();
        return Some(edit(
            "max_msgs` or `max_bytes",
            "limited".into(),
            "-1: no limit".into(),
            flag,
        ));
    }
    if config.storage != setup.storage {
        return Some(format!(
            "`storage` is {:?} and must be {:?}; a JetStream stream keeps this for good: delete it, and it is made anew",
            config.storage, setup.storage
        ));
    }
    None
}
