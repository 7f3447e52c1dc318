//! Opening logs: creating missing JetStream streams, checking existing ones.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use eventmodel::StoreError;
use eventmodel::store::LogSpec;
use uuid::Uuid;

use super::drift::drift;
use super::{Log, lost, max_message};
use crate::connect::connection::{Connection, Failure};
use crate::connect::drift::drifted;
use crate::connect::jetstream::StreamInfo;
use crate::connect::setup::{Setup, storage};
use crate::connect::subjects::misses;

/// JetStream's own default.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// How often to set up a stream that others change at the same time.
const ATTEMPTS: usize = 20;

/// The wait before verifying a change: two processes that add subjects at the same time each write what they have read,
/// and the second undoes the first.
const SETTLED: Duration = Duration::from_millis(200);

const SUBJECTS_OVERLAP: u16 = 10065;

impl Log {
    /// Opens a log: creates its stream, adds missing subjects, checks the rest.
    pub(crate) async fn open(
        connection: &Connection,
        setup: &Setup,
        spec: &LogSpec,
    ) -> Result<Self, StoreError> {
        check_name(&spec.name)?;
        for _ in 0..ATTEMPTS {
            let Some(info) = connection.stream_info(&spec.name).await? else {
                create(connection, setup, spec).await?;
                continue;
            };
            drift(setup, &info.config).check(spec.name.clone())?;
            if let Some(begins) = info.lost_before() {
                let reason = lost(&spec.name, &format!("it begins at position {begins}"));
                if !setup.accept_lost_events {
                    return Err(drifted(spec.name.clone(), reason));
                }
                tracing::warn!(log = %spec.name, begins, "the log has lost its start; opening it as accepted");
            }
            let missing = misses(&info.config, &subjects(spec));
            if missing.is_empty() {
                let stream = connection.jetstream.get_stream_no_info(&*spec.name).await;
                let stream = stream.map_err(StoreError::failed)?;
                let log = Self::new(
                    spec.name.clone(),
                    connection.clone(),
                    stream,
                    info.created,
                    max_message(&info.config),
                    setup.remembered,
                );
                log.leader.check_servers(&info, &spec.several_guards)?;
                return Ok(log);
            }
            add(connection, setup, spec, info.config, missing).await?;
            // Processes that collide must not collide again.
            let chance = Uuid::now_v7().as_bytes()[15];
            tokio::time::sleep(SETTLED + SETTLED * u32::from(chance) / 128).await;
        }
        Err(StoreError::Unavailable {
            reason: format!(
                "the JetStream stream `{}` is changed by others all the time",
                spec.name
            ),
        })
    }
}

/// The set-up of a new stream.
fn config(setup: &Setup, spec: &LogSpec) -> Config {
    Config {
        name: spec.name.to_string(),
        description: Some("A log of eventmodel".into()),
        subjects: subjects(spec),
        retention: RetentionPolicy::Limits,
        storage: setup.storage,
        discard: DiscardPolicy::New,
        num_replicas: setup.replicas.unwrap_or(1),
        duplicate_window: setup.duplicate_window.unwrap_or(DUPLICATE_WINDOW),
        allow_direct: true,
        allow_atomic_publish: true,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

async fn create(connection: &Connection, setup: &Setup, spec: &LogSpec) -> Result<(), StoreError> {
    if !setup.create {
        return Err(drifted(
            spec.name.clone(),
            format!(
                "there is no JetStream stream `{}`, and this store may not create one; {}",
                spec.name,
                creation(setup, spec)
            ),
        ));
    }
    tracing::info!(log = %spec.name, "creating the JetStream stream of the log");
    let created = connection.create_stream(&config(setup, spec)).await;
    created.map_err(|failure| overlaps_or(spec, failure))
}

async fn add(
    connection: &Connection,
    setup: &Setup,
    spec: &LogSpec,
    mut config: Config,
    missing: Vec<String>,
) -> Result<(), StoreError> {
    let wanted = [&config.subjects[..], &missing[..]].concat();
    if !setup.create {
        return Err(drifted(
            spec.name.clone(),
            format!(
                "`subjects` does not have {}, and this store may not add any; run `nats stream edit {} --subjects '{}'`",
                missing.join(", "),
                spec.name,
                wanted.join(","),
            ),
        ));
    }
    tracing::info!(log = %spec.name, subjects = ?missing, "adding subjects to the log");
    config.subjects = wanted;
    let config = serde_json::to_vec(&config).map_err(StoreError::failed)?;
    let endpoint = format!("STREAM.UPDATE.{}", spec.name);
    let added = connection.api::<StreamInfo>(&endpoint, config).await;
    added.map_err(|failure| overlaps_or(spec, failure))?;
    Ok(())
}

/// Names the subjects, if another stream takes some of them.
fn overlaps_or(spec: &LogSpec, failure: Failure) -> StoreError {
    match failure {
        Failure::Refused(refusal) if refusal.err_code == SUBJECTS_OVERLAP => {}
        failure => return failure.into(),
    }
    let subjects = subjects(spec).join(", ");
    drifted(
        spec.name.clone(),
        format!(
            "another JetStream stream takes some of its subjects ({subjects}); for each, `nats stream ls --subject \
             '<subject>'` shows which; give the streams of one model other subjects, or the same log"
        ),
    )
}

/// All subjects that a log takes.
fn subjects(spec: &LogSpec) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::with_capacity(spec.subjects.len() + 1);
    for pattern in &spec.subjects {
        // JetStream refuses a repeated subject.
        if !subjects.iter().any(|known| known == pattern.as_str()) {
            subjects.push(pattern.as_str().to_owned());
        }
    }
    subjects.push(Log::guard_subject(&spec.name));
    subjects
}

fn creation(setup: &Setup, spec: &LogSpec) -> String {
    let config = config(setup, spec);
    format!(
        "run `nats stream add {} --subjects '{}' --defaults --storage {} --discard new --dupe-window {}s --replicas {} \
         --allow-direct --allow-batch --deny-delete --deny-purge`",
        spec.name,
        config.subjects.join(","),
        storage(config.storage),
        config.duplicate_window.as_secs(),
        config.num_replicas,
    )
}

/// Fails if JetStream does not take the name, or it cannot be a token of a subject.
fn check_name(name: &Arc<str>) -> Result<(), StoreError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.len() <= 128 && name.bytes().all(fits) {
        return Ok(());
    }
    Err(drifted(
        name.clone(),
        "its name cannot be that of a JetStream stream: use up to 128 letters, digits, `-` and `_`, with `log = \"…\"` \
         at the streams or as the name of the model",
    ))
}
