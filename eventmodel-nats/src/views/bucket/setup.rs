//! What a bucket must be: created if it is missing, checked if it is there.

use std::collections::HashMap;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use eventmodel::StoreError;
use uuid::Uuid;

use crate::connect::connection::Connection;
use crate::connect::setup::Setup;

/// What a bucket must be.
#[derive(Clone, Debug)]
pub(in crate::views) struct BucketSpec {
    pub(in crate::views) name: String,
    /// What it is for, in words.
    pub(in crate::views) description: String,
    /// How many values of each key it keeps.
    pub(in crate::views) history: i64,
    /// What must be noted with it, and what to do if something else is.
    pub(in crate::views) metadata: Vec<(&'static str, String, String)>,
}

pub(super) fn drifted(bucket: &str, reason: String) -> StoreError {
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
        first_sequence: Some(first_sequence()),
        ..Config::default()
    }
}

/// Where the sequences of a bucket begin: anywhere, so that they are not those of another bucket of its name, and a
/// write that replaces a value of the one is refused by the other. Below 2^48, which every language can count.
fn first_sequence() -> u64 {
    let (_, chance) = Uuid::now_v7().as_u64_pair();
    1 + chance % (1 << 48)
}

pub(super) async fn create(
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
    connection.create_stream(&config(setup, spec)).await?;
    Ok(())
}

/// The first setting that is not what is needed: which, what it is, what it must be, what to do.
pub(super) fn drift(setup: &Setup, spec: &BucketSpec, config: &Config) -> Option<String> {
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
            "`storage` is {:?} and must be {:?}; a JetStream stream keeps this for good: stop the programs, run \
             `nats kv del {}`, and start them; it is made anew",
            config.storage, setup.storage, spec.name
        ));
    }
    None
}
