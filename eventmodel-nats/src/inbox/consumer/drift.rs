//! What is wrong with the durable consumer of an automation, and the command that mends it.

use async_nats::jetstream::consumer::{AckPolicy, Config, DeliverPolicy, ReplayPolicy};

use super::{Durable, MAX_ACK_PENDING};
use crate::connect::setup::Setting;
use crate::log::Log;

impl Durable {
    /// The first thing that is not what an automation needs on a log with so many replicas: which, what it is, what it
    /// must be, what to do.
    pub(super) fn drift(
        &self,
        log: &Log,
        replicas: usize,
        config: &Config,
        has_skipped: bool,
    ) -> Option<String> {
        let (log, consumer) = (&log.name, &self.name);
        let anew = format!(
            "run `nats consumer rm {log} {consumer}`, and it is made anew: an automation that runs goes on where it was; \
             one that is started sees all events again; what it has recorded is not recorded twice, but a command that \
             was rejected is decided again"
        );
        // First what is for good: nobody is to mend the rest in vain.
        let settings = [kept(config), self.changeable(replicas, config)];
        let wrong = settings.into_iter().flatten().find(|s| !s.fits);
        if let Some(Setting {
            name,
            actual,
            needed,
            flag,
            ..
        }) = wrong
        {
            let mend = match flag {
                Some(flag) => format!("run `nats consumer edit {log} {consumer} {flag}`"),
                None => anew,
            };
            return Some(format!(
                "`{name}` of the consumer `{consumer}` is {actual} and must be {needed}; {mend}"
            ));
        }
        has_skipped.then(|| {
            format!(
                "the consumer `{consumer}` had a filter for a while, and may have skipped events; {anew}"
            )
        })
    }

    fn changeable(&self, replicas: usize, config: &Config) -> Vec<Setting> {
        let setting = |name, fits, actual: String, needed: String, flag: String| Setting {
            name,
            fits,
            actual,
            needed,
            flag: Some(flag),
        };
        vec![
            setting(
                "ack_wait",
                config.ack_wait == self.ack_wait,
                format!("{:?}", config.ack_wait),
                format!("{:?} (`hand_over_after`)", self.ack_wait),
                format!("--wait {:?}", self.ack_wait),
            ),
            setting(
                "max_deliver",
                config.max_deliver <= 0,
                config.max_deliver.to_string(),
                "-1: what cannot be handled is parked".into(),
                "--max-deliver=-1".into(),
            ),
            setting(
                "max_ack_pending",
                config.max_ack_pending == MAX_ACK_PENDING,
                config.max_ack_pending.to_string(),
                MAX_ACK_PENDING.to_string(),
                format!("--max-pending {MAX_ACK_PENDING}"),
            ),
            // 0 is as many as the log has.
            setting(
                "num_replicas",
                config.num_replicas == 0 || config.num_replicas >= replicas,
                config.num_replicas.to_string(),
                format!(
                    "{replicas}, as the log has: the progress must survive what the log survives"
                ),
                format!("--replicas {replicas}"),
            ),
        ]
    }
}

fn filters(config: &Config) -> impl Iterator<Item = &str> {
    let several = config.filter_subjects.iter().map(String::as_str);
    let one = Some(config.filter_subject.as_str());
    one.into_iter()
        .chain(several)
        .filter(|subject| !subject.is_empty())
}

/// Whether there are events that it does not deliver.
pub(super) fn is_filtered(config: &Config) -> bool {
    filters(config).any(|subject| subject != ">")
}

/// What is mended by making the consumer anew.
fn kept(config: &Config) -> Vec<Setting> {
    let setting = |name, fits, actual: String, needed: &str| Setting {
        name,
        fits,
        actual,
        needed: needed.into(),
        flag: None,
    };
    let from_the_start = matches!(
        config.deliver_policy,
        // Where one that was deleted has gone on.
        DeliverPolicy::All | DeliverPolicy::ByStartSequence { .. }
    );
    vec![
        setting(
            "deliver_subject",
            config.deliver_subject.is_none(),
            config.deliver_subject.clone().unwrap_or_default(),
            "none: each process asks for what it takes",
        ),
        setting(
            "filter_subjects",
            !is_filtered(config),
            filters(config).collect::<Vec<_>>().join(","),
            "none: what one event waits for may be any other",
        ),
        setting(
            "deliver_policy",
            from_the_start,
            format!("{:?}", config.deliver_policy),
            "All: no event is skipped",
        ),
        setting(
            "ack_policy",
            config.ack_policy == AckPolicy::Explicit,
            format!("{:?}", config.ack_policy),
            "Explicit",
        ),
        setting(
            "replay_policy",
            config.replay_policy == ReplayPolicy::Instant,
            format!("{:?}", config.replay_policy),
            "Instant",
        ),
        setting("headers_only", !config.headers_only, "true".into(), "false"),
        setting(
            "backoff",
            config.backoff.is_empty(),
            format!("{:?}", config.backoff),
            "none",
        ),
        setting(
            "inactive_threshold",
            config.inactive_threshold.is_zero(),
            format!("{:?}", config.inactive_threshold),
            "0: the progress is kept while no process runs",
        ),
        setting(
            "max_batch",
            config.max_batch <= 0,
            config.max_batch.to_string(),
            "0: no limit",
        ),
        setting(
            "max_bytes",
            config.max_bytes <= 0,
            config.max_bytes.to_string(),
            "0: no limit",
        ),
        setting(
            "max_expires",
            config.max_expires.is_zero(),
            format!("{:?}", config.max_expires),
            "0: no limit",
        ),
        setting(
            "mem_storage",
            !config.memory_storage,
            "true".into(),
            "false: the progress must survive a restart",
        ),
    ]
}
