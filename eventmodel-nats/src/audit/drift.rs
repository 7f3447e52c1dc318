//! What is wrong with the JetStream stream of the audit trail, and the command that mends it.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};

use super::{STREAM, SUBJECTS};
use crate::connect::setup::{Setting, Setup, storage};
use crate::connect::subjects::misses;

/// The first setting that is not what the trail needs: which, what it is, what it must be, what to do.
pub(super) fn drift(setup: &Setup, config: &Config) -> Option<String> {
    let wrong = settings(setup, config).into_iter().find(|s| !s.fits)?;
    let Setting {
        name,
        actual,
        needed,
        flag,
        ..
    } = wrong;
    let mend = match flag {
        Some(flag) => format!("run `nats stream edit {STREAM} {flag}`"),
        None => format!(
            "a JetStream stream keeps this for good: keep a copy with `nats stream backup {STREAM} <folder>`, and run \
             `nats stream rm {STREAM}`; it is made anew"
        ),
    };
    Some(format!("`{name}` is {actual} and must be {needed}; {mend}"))
}

fn settings(setup: &Setup, config: &Config) -> Vec<Setting> {
    let setting = |name, fits, actual: String, needed: String, flag: Option<String>| Setting {
        name,
        fits,
        actual,
        needed,
        flag,
    };
    let (age, bytes) = (setup.audit_max_age, setup.audit_max_bytes);
    let subjects = vec![format!("{SUBJECTS}.>")];
    let missing = misses(config, &subjects);
    let wanted = [&config.subjects[..], &missing[..]].concat().join(",");
    let mut settings = vec![
        setting(
            "retention",
            config.retention == RetentionPolicy::Limits,
            format!("{:?}", config.retention),
            "Limits: whoever reads an entry leaves it there".into(),
            None,
        ),
        setting(
            "storage",
            config.storage == setup.storage,
            storage(config.storage).into(),
            storage(setup.storage).into(),
            None,
        ),
        setting(
            "sealed",
            !config.sealed,
            "true".into(),
            "false".into(),
            None,
        ),
        // It does not go with subjects of its own.
        setting(
            "mirror",
            config.mirror.is_none(),
            "set".into(),
            "none".into(),
            Some("--no-mirror".into()),
        ),
        setting(
            "subjects",
            missing.is_empty(),
            format!("`{}`", config.subjects.join(",")),
            format!("`{wanted}`"),
            Some(format!("--subjects '{wanted}'")),
        ),
        setting(
            "discard",
            config.discard == DiscardPolicy::Old,
            "new".into(),
            "old: a trail that is full goes on".into(),
            Some("--discard old".into()),
        ),
        setting(
            "allow_direct",
            config.allow_direct,
            "false".into(),
            "true: it is read by direct gets".into(),
            Some("--allow-direct".into()),
        ),
        setting(
            "max_age",
            config.max_age == age,
            format!("{:?}", config.max_age),
            format!("{age:?} (`audit_max_age`)"),
            Some(format!("--max-age {}s", age.as_secs())),
        ),
        setting(
            "max_bytes",
            config.max_bytes == bytes,
            config.max_bytes.to_string(),
            format!("{bytes} (`audit_max_bytes`)"),
            Some(format!("--max-bytes {bytes}")),
        ),
        setting(
            "no_ack",
            !config.no_ack,
            "true".into(),
            "false".into(),
            Some("--ack".into()),
        ),
    ];
    if let Some(replicas) = setup.replicas {
        settings.push(setting(
            "num_replicas",
            config.num_replicas == replicas,
            config.num_replicas.to_string(),
            replicas.to_string(),
            Some(format!("--replicas {replicas}")),
        ));
    }
    settings
}
