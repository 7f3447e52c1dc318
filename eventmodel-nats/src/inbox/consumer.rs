//! The durable consumer of an automation on a log: created if it is missing, checked if it is there.

use std::sync::Mutex;
use std::time::Duration;

use async_nats::jetstream::consumer::{
    AckPolicy, Config, Consumer, DeliverPolicy, ReplayPolicy, pull,
};
use eventmodel::{InboxSpec, StoreError};
use serde::{Deserialize, Serialize};

use super::{escaped, locked};
use crate::connect::connection::Failure;
use crate::connect::refusal::Refusal;
use crate::log::Log;

mod drift;

/// How many messages all processes together may have in hand. An app takes more than that, so that there is always
/// one that takes what is delivered again.
const MAX_ACK_PENDING: i64 = 1_000;

/// How often a set-up is tried that others change at the same time.
const ATTEMPTS: usize = 5;

const NOT_FOUND: u16 = 10014;
const EXISTS: [u16; 2] = [10013, 10148];

/// What the server says of a consumer.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    // That of pull consumers does not know `mem_storage`.
    config: Config,
    delivered: Place,
    ack_floor: Place,
    num_ack_pending: usize,
    /// Another consumer of the name has another one.
    created: String,
    #[serde(default)]
    paused: bool,
}

#[derive(Debug, Deserialize)]
struct Place {
    stream_seq: u64,
}

#[derive(Serialize)]
struct Create<'a> {
    stream_name: &'a str,
    config: pull::Config,
    action: &'static str,
}

/// A durable consumer, by its name.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) name: String,
    pub(super) ack_wait: Duration,
    /// Whether it may be created.
    pub(super) create: bool,
    /// When the consumer was created that was seen with a filter: what it has skipped it does not deliver any more.
    pub(super) has_skipped: Mutex<Option<String>>,
}

/// The name of the consumer of an automation: `hotel-booking_CleaningBot`.
pub(super) fn name(spec: &InboxSpec) -> String {
    // The first `_` ends the name of the model.
    let model = escaped(&spec.model, |byte| byte == b'-');
    format!("{model}_{}", spec.automation)
}

impl Info {
    /// Up to where everything is done.
    pub(super) fn floor(&self) -> u64 {
        if self.num_ack_pending == 0 {
            self.ack_floor.stream_seq.max(self.delivered.stream_seq)
        } else {
            self.ack_floor.stream_seq
        }
    }
}

impl Durable {
    pub(super) async fn info(&self, log: &Log) -> Result<Option<Info>, Failure> {
        let endpoint = format!("CONSUMER.INFO.{}.{}", log.name, self.name);
        match log.connection.api(&endpoint, "").await {
            Ok(info) => Ok(Some(info)),
            Err(Failure::Refused(Refusal {
                err_code: NOT_FOUND,
                ..
            })) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Opens it; one that has to be made starts after this sequence.
    pub(super) async fn open(
        &self,
        log: &Log,
        after: u64,
    ) -> Result<Consumer<pull::Config>, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(info) = self.info(log).await? else {
                self.create(log, after).await?;
                continue;
            };
            self.check(log, &info).await?;
            let consumer = log.stream.get_consumer(&self.name).await;
            return consumer.map_err(|error| StoreError::Unavailable {
                reason: format!("the consumer `{}` cannot be opened: {error}", self.name),
            });
        }
        Err(StoreError::Unavailable {
            reason: format!(
                "the consumer `{}` is deleted by others all the time",
                self.name
            ),
        })
    }

    /// Fails if it is not what an automation needs, or was not at an earlier check and has skipped events since.
    pub(super) async fn check(&self, log: &Log, info: &Info) -> Result<(), StoreError> {
        let replicas = match info.config.num_replicas {
            // As many as the log has.
            0 => 0,
            _ => self.replicas(log).await?,
        };
        let reason = {
            let mut has_skipped = locked(&self.has_skipped);
            if drift::is_filtered(&info.config) {
                *has_skipped = Some(info.created.clone());
            }
            let has_skipped = has_skipped.as_ref() == Some(&info.created);
            self.drift(log, replicas, &info.config, has_skipped)
        };
        reason.map_or(Ok(()), |reason| Err(drifted(log, reason)))
    }

    /// Fails while somebody has paused it: it gives no other sign that it delivers nothing.
    pub(super) fn check_pause(&self, log: &Log, info: &Info) -> Result<(), StoreError> {
        if !info.paused {
            return Ok(());
        }
        let until = info.config.pause_until;
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        let (stream, name) = (&log.name, &self.name);
        Err(drifted(
            log,
            format!(
                "the consumer `{name}` is paused{until}; the automation goes on then, or run `nats consumer resume \
                 {stream} {name}`"
            ),
        ))
    }

    /// How many copies of the log the servers keep.
    async fn replicas(&self, log: &Log) -> Result<usize, Failure> {
        let info = log.connection.stream_info(&log.name).await?;
        Ok(info.map_or(0, |info| info.config.num_replicas))
    }

    fn config(&self, after: u64) -> pull::Config {
        pull::Config {
            durable_name: Some(self.name.clone()),
            description: Some("An automation of eventmodel".into()),
            deliver_policy: match after {
                0 => DeliverPolicy::All,
                after => DeliverPolicy::ByStartSequence {
                    start_sequence: after + 1,
                },
            },
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_deliver: -1,
            replay_policy: ReplayPolicy::Instant,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        }
    }

    async fn create(&self, log: &Log, after: u64) -> Result<(), StoreError> {
        if !self.create {
            return Err(drifted(
                log,
                format!(
                    "there is no consumer `{name}`, and this store may not create one; run `nats consumer add {log} \
                     {name} --pull --defaults --deliver all --ack explicit --wait {wait:?} --max-deliver=-1 \
                     --max-pending {MAX_ACK_PENDING} --replay instant`",
                    name = self.name,
                    log = log.name,
                    wait = self.ack_wait,
                ),
            ));
        }
        tracing::info!(log = %log.name, consumer = self.name, after, "creating the consumer of an automation");
        let create = Create {
            stream_name: &log.name,
            config: self.config(after),
            action: "create",
        };
        let create = serde_json::to_vec(&create).map_err(StoreError::failed)?;
        let endpoint = format!("CONSUMER.CREATE.{}.{}", log.name, self.name);
        let created = log.connection.api_patiently(&endpoint, create.into());
        match created.await {
            Ok(serde::de::IgnoredAny) => Ok(()),
            Err(Failure::Refused(refusal)) if EXISTS.contains(&refusal.err_code) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn drifted(log: &Log, reason: String) -> StoreError {
    StoreError::Drift {
        log: log.name.clone(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_and_automations_do_not_run_into_each_other() {
        let name = |model: &str, automation| {
            name(&InboxSpec {
                model: model.into(),
                automation,
                log: "log".into(),
            })
        };
        assert_eq!(
            name("hotel-booking", "CleaningBot"),
            "hotel-booking_CleaningBot"
        );
        assert_ne!(name("a_b", "C"), name("a", "b_C"));
        assert_eq!(name("a.b >", "C"), "a=2Eb=20=3E_C");
    }
}
