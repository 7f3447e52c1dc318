//! What is wrong with the set-up of an existing JetStream stream, and the command that mends it.

use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy};

use crate::connect::setup::{Setting, Setup, storage};

/// The first setting that is not what a log needs: which, what it is, what it must be, what to do.
pub(crate) fn drift(setup: &Setup, config: &Config) -> Option<String> {
    // First what is for good: nobody is to mend the rest in vain.
    let settings = [
        kept(setup, config),
        changeable(config),
        chosen(setup, config),
    ];
    let wrong = settings
        .into_iter()
        .flatten()
        .find(|setting| !setting.fits)?;
    let Setting {
        name,
        actual,
        needed,
        flag,
        ..
    } = wrong;
    let stream = &config.name;
    let mend = match flag {
        Some(flag) => format!("run `nats stream edit {stream} {flag}`"),
        None => "a JetStream stream keeps this for good: use another name for the log, or make the stream anew and \
                 move what is in it"
            .into(),
    };
    Some(format!("`{name}` is {actual} and must be {needed}; {mend}"))
}

/// What can be changed.
fn changeable(config: &Config) -> Vec<Setting> {
    let setting = |name, fits, actual: String, needed: &str, flag: &str| Setting {
        name,
        fits,
        actual,
        needed: needed.into(),
        flag: Some(flag.into()),
    };
    let (age, messages) = (config.max_age, config.max_messages);
    let per_subject = config.max_messages_per_subject;
    let is_new = config.discard == DiscardPolicy::New;
    vec![
        // These two do not go with some of the others.
        setting(
            "mirror",
            config.mirror.is_none(),
            "set".into(),
            "none",
            "--no-mirror",
        ),
        setting("no_ack", !config.no_ack, "true".into(), "false", "--ack"),
        setting("discard", is_new, "old".into(), "new", "--discard new"),
        setting(
            "allow_direct",
            config.allow_direct,
            "false".into(),
            "true",
            "--allow-direct",
        ),
        setting(
            "allow_atomic",
            config.allow_atomic_publish,
            "false".into(),
            "true",
            "--allow-batch",
        ),
        setting(
            "max_age",
            age.is_zero(),
            format!("{age:?}"),
            "0: events are kept",
            "--max-age 0",
        ),
        setting(
            "max_msgs",
            messages <= 0,
            messages.to_string(),
            "-1: no limit",
            "--max-msgs=-1",
        ),
        setting(
            "max_msgs_per_subject",
            per_subject <= 0,
            per_subject.to_string(),
            "-1: no limit",
            "--max-msgs-per-subject=-1",
        ),
        setting(
            "allow_rollup_hdrs",
            !config.allow_rollup,
            "true".into(),
            "false: a rollup deletes events",
            "--no-allow-rollup --deny-purge",
        ),
        setting(
            "deny_delete",
            config.deny_delete,
            "false".into(),
            "true",
            "--deny-delete",
        ),
        setting(
            "deny_purge",
            config.deny_purge,
            "false".into(),
            "true",
            "--deny-purge",
        ),
        setting(
            "subject_transform",
            config.subject_transform.is_none(),
            "set".into(),
            "none: events keep their subjects",
            "--no-transform",
        ),
        setting(
            "sources",
            config.sources.as_ref().is_none_or(Vec::is_empty),
            "set".into(),
            "none: only this store writes to it",
            "--interactive",
        ),
    ]
}

/// What cannot be changed.
fn kept(setup: &Setup, config: &Config) -> Vec<Setting> {
    let setting = |name, fits, actual: &str, needed: &str| Setting {
        name,
        fits,
        actual: actual.into(),
        needed: needed.into(),
        flag: None,
    };
    let retention = format!("{:?}", config.retention);
    let is_limits = config.retention == RetentionPolicy::Limits;
    let is_written = !matches!(config.persist_mode, Some(PersistenceMode::Async));
    let (is, needed) = (storage(config.storage), storage(setup.storage));
    vec![
        setting("retention", is_limits, &retention, "Limits"),
        setting("storage", is == needed, is, needed),
        setting(
            "allow_msg_ttl",
            !config.allow_message_ttl,
            "true",
            "false: events do not expire",
        ),
        setting(
            "allow_msg_schedules",
            !config.allow_message_schedules,
            "true",
            "false: it allows to purge",
        ),
        setting(
            "allow_msg_counter",
            !config.allow_message_counter,
            "true",
            "false",
        ),
        setting(
            "persist_mode",
            is_written,
            "async",
            "default: events are written, then acknowledged",
        ),
        setting("sealed", !config.sealed, "true", "false"),
    ]
}

/// What the store was told.
fn chosen(setup: &Setup, config: &Config) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Some(replicas) = setup.replicas {
        settings.push(Setting {
            name: "num_replicas",
            fits: config.num_replicas == replicas,
            actual: config.num_replicas.to_string(),
            needed: replicas.to_string(),
            flag: Some(format!("--replicas {replicas}")),
        });
    }
    if let Some(window) = setup.duplicate_window {
        settings.push(Setting {
            name: "duplicate_window",
            fits: config.duplicate_window == window,
            actual: format!("{:?}", config.duplicate_window),
            needed: format!("{window:?}"),
            flag: Some(format!("--dupe-window {}s", window.as_secs())),
        });
    }
    settings
}
