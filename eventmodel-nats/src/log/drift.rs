//! What the JetStream stream of a log must be.

use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy};

use crate::connect::drift::{Drift, settings};
use crate::connect::setup::{Setup, storage};

/// The settings of the stream of a log. Any value fits where the store was told none.
pub(crate) fn drift(setup: &Setup, config: &Config) -> Drift {
    let is_synchronous = !matches!(config.persist_mode, Some(PersistenceMode::Async));
    let per_subject = config.max_messages_per_subject;
    let replicas = setup.replicas.unwrap_or(config.num_replicas);
    let window = setup.duplicate_window.unwrap_or(config.duplicate_window);
    let settings = settings! {
        "retention", config.retention == RetentionPolicy::Limits, format!("{:?}", config.retention) => "Limits";
        "storage", config.storage == setup.storage, storage(config.storage) => storage(setup.storage);
        "allow_msg_ttl", !config.allow_message_ttl, true => "false: events do not expire";
        "allow_msg_schedules", !config.allow_message_schedules, true => "false: a schedule can purge";
        "allow_msg_counter", !config.allow_message_counter, true => false;
        "persist_mode", is_synchronous, "async" => "default: the server writes an event before it acknowledges it";
        "sealed", !config.sealed, true => false;
        // The server refuses some of the others beside these two.
        "mirror", config.mirror.is_none(), "set" => "none", "--no-mirror";
        "no_ack", !config.no_ack, true => false, "--ack";
        "discard", config.discard == DiscardPolicy::New, "old" => "new", "--discard new";
        "allow_direct", config.allow_direct, false => true, "--allow-direct";
        "allow_atomic", config.allow_atomic_publish, false => true, "--allow-batch";
        "max_age", config.max_age.is_zero(), format!("{:?}", config.max_age) => "0: events stay", "--max-age 0";
        "max_msgs", config.max_messages <= 0, config.max_messages => "-1: no limit", "--max-msgs=-1";
        "max_msgs_per_subject", per_subject <= 0, per_subject => "-1: no limit", "--max-msgs-per-subject=-1";
        "allow_rollup_hdrs", !config.allow_rollup, true => "false: a rollup deletes events",
            "--no-allow-rollup --deny-purge";
        "deny_delete", config.deny_delete, false => true, "--deny-delete";
        "deny_purge", config.deny_purge, false => true, "--deny-purge";
        "subject_transform", config.subject_transform.is_none(), "set" => "none: events keep their subjects",
            "--no-transform";
        "sources", config.sources.as_ref().is_none_or(Vec::is_empty), "set" => "none: only this store writes to it",
            "--interactive";
        "num_replicas", config.num_replicas == replicas, config.num_replicas => replicas,
            format!("--replicas {replicas}");
        "duplicate_window", config.duplicate_window == window, format!("{:?}", config.duplicate_window) =>
            format!("{window:?}"), format!("--dupe-window {}s", window.as_secs());
    };
    Drift {
        of: String::new(),
        settings,
        edit: format!("nats stream edit {}", config.name),
        renew: "a JetStream stream keeps this for good: use another name for the log, or make the stream anew and move \
                what is in it"
            .into(),
    }
}
