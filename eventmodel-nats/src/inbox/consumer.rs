//! The durable consumer of an automation on a log: created if it is missing, checked if it is there.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use async_nats::jetstream::consumer::{
    AckPolicy, Config, Consumer, DeliverPolicy, ReplayPolicy, pull,
};
use eventmodel::StoreError;
use eventmodel::store::InboxSpec;
use serde::{Deserialize, Serialize};

use crate::connect::connection::Failure;
use crate::connect::drift::{Drift, drifted, settings};
use crate::connect::refusal::Refusal;
use crate::log::Log;
use crate::sync::locked;

/// How many messages all processes together may have in hand. An app takes more than that, so that one process always
/// takes what JetStream delivers again.
const MAX_ACK_PENDING: i64 = 1_000;

/// How often to set up a consumer that others change at the same time.
const ATTEMPTS: usize = 5;

const NOT_FOUND: u16 = 10014;
const EXISTS: [u16; 2] = [10013, 10148];

/// What the server says of a consumer.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    // `pull::Config` does not know `mem_storage`.
    config: Config,
    delivered: Place,
    ack_floor: Place,
    num_ack_pending: usize,
    /// It tells two consumers of the same name apart.
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
    /// Whether the store may create it.
    pub(super) create: bool,
    /// When the consumer was created that had a filter: it never delivers what it has skipped.
    pub(super) has_skipped: Mutex<Option<String>>,
}

/// The name of the consumer of an automation: `hotel-booking_CleaningBot`.
pub(super) fn name(spec: &InboxSpec) -> String {
    // The first `_` ends the name of the model.
    let model = escaped(&spec.model, |byte| byte == b'-');
    format!("{model}_{}", spec.automation)
}

/// A text in letters, digits and these other characters; `=` and two digits stand for any other.
pub(super) fn escaped(text: &str, others: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || others(byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "={byte:02X}");
        }
    }
    escaped
}

impl Info {
    /// The sequence up to which everything is done.
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

    /// Opens the consumer. A new one starts after this sequence.
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

    /// Fails if the consumer is not what an automation needs, or had a filter at an earlier check and has skipped
    /// events since.
    pub(super) async fn check(&self, log: &Log, info: &Info) -> Result<(), StoreError> {
        let replicas = match info.config.num_replicas {
            // As many as the log has.
            0 => 0,
            _ => self.replicas(log).await?,
        };
        let has_skipped = {
            let mut has_skipped = locked(&self.has_skipped);
            if is_filtered(&info.config) {
                *has_skipped = Some(info.created.clone());
            }
            has_skipped.as_ref() == Some(&info.created)
        };
        let drift = self.drift(log, replicas, &info.config);
        drift.check(log.name.clone())?;
        if has_skipped {
            let (name, renew) = (&self.name, self.renew(log));
            let reason = format!(
                "the consumer `{name}` had a filter for a while, and may have skipped events; {renew}"
            );
            return Err(drifted(log.name.clone(), reason));
        }
        Ok(())
    }

    /// Fails while the consumer is paused: nothing else shows that it delivers nothing.
    pub(super) fn check_pause(&self, log: &Log, info: &Info) -> Result<(), StoreError> {
        if !info.paused {
            return Ok(());
        }
        let until = info.config.pause_until;
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        let (stream, name) = (&log.name, &self.name);
        Err(drifted(
            log.name.clone(),
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
                log.name.clone(),
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

impl Durable {
    /// The settings of the consumer of an automation on a log with so many replicas.
    fn drift(&self, log: &Log, replicas: usize, config: &Config) -> Drift {
        let starts_at_the_start = matches!(
            config.deliver_policy,
            // A new consumer starts where the deleted one was.
            DeliverPolicy::All | DeliverPolicy::ByStartSequence { .. }
        );
        let filters: Vec<_> = filters(config).collect();
        let target = config.deliver_subject.clone().unwrap_or_default();
        let (wait, max_pending) = (self.ack_wait, config.max_ack_pending);
        let threshold = config.inactive_threshold;
        let settings = settings! {
            "deliver_subject", config.deliver_subject.is_none(), target => "none: each process asks for what it takes";
            "filter_subjects", !is_filtered(config), filters.join(",") => "none: what one event waits for may be any other";
            "deliver_policy", starts_at_the_start, format!("{:?}", config.deliver_policy) => "All: it skips no event";
            "ack_policy", config.ack_policy == AckPolicy::Explicit, format!("{:?}", config.ack_policy) => "Explicit";
            "replay_policy", config.replay_policy == ReplayPolicy::Instant, format!("{:?}", config.replay_policy) => "Instant";
            "headers_only", !config.headers_only, true => false;
            "backoff", config.backoff.is_empty(), format!("{:?}", config.backoff) => "none";
            "inactive_threshold", threshold.is_zero(), format!("{threshold:?}") =>
                "0: the progress stays while no process runs";
            "max_batch", config.max_batch <= 0, config.max_batch => "0: no limit";
            "max_bytes", config.max_bytes <= 0, config.max_bytes => "0: no limit";
            "max_expires", config.max_expires.is_zero(), format!("{:?}", config.max_expires) => "0: no limit";
            "mem_storage", !config.memory_storage, true => "false: the progress must survive a restart";
            "ack_wait", config.ack_wait == wait, format!("{:?}", config.ack_wait) =>
                format!("{wait:?} (`hand_over_after`)"), format!("--wait {wait:?}");
            "max_deliver", config.max_deliver <= 0, config.max_deliver =>
                "-1: the app parks what it cannot handle", "--max-deliver=-1";
            "max_ack_pending", max_pending == MAX_ACK_PENDING, max_pending => MAX_ACK_PENDING,
                format!("--max-pending {MAX_ACK_PENDING}");
            // 0 is as many as the log has.
            "num_replicas", config.num_replicas == 0 || config.num_replicas >= replicas, config.num_replicas =>
                format!("{replicas}, as the log has: the progress must survive what the log survives"),
                format!("--replicas {replicas}");
        };
        Drift {
            of: format!(" of the consumer `{}`", self.name),
            settings,
            edit: format!("nats consumer edit {} {}", log.name, self.name),
            renew: self.renew(log),
        }
    }

    /// How an operator replaces the consumer, and what follows.
    fn renew(&self, log: &Log) -> String {
        format!(
            "run `nats consumer rm {} {}`, and the store makes it anew: an automation that runs goes on where it was; one \
             that starts sees all events again; what it has recorded is not recorded twice, but a command that was \
             rejected is decided again",
            log.name, self.name
        )
    }
}

fn filters(config: &Config) -> impl Iterator<Item = &str> {
    let several = config.filter_subjects.iter().map(String::as_str);
    let one = Some(config.filter_subject.as_str());
    one.into_iter()
        .chain(several)
        .filter(|subject| !subject.is_empty())
}

/// Whether it leaves events out.
fn is_filtered(config: &Config) -> bool {
    filters(config).any(|subject| subject != ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_and_automations_do_not_run_into_each_other() {
        let name = |model: &str, automation| name(&InboxSpec::new(model, automation, "log"));
        assert_eq!(
            name("hotel-booking", "CleaningBot"),
            "hotel-booking_CleaningBot"
        );
        assert_ne!(name("a_b", "C"), name("a", "b_C"));
        assert_eq!(name("a.b >", "C"), "a=2Eb=20=3E_C");
    }
}
