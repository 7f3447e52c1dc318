//! What is wrong with the set-up of an existing JetStream stream, and the command that mends it.

use async_nats::jetstream::stream::{
    Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType,
};
use eventmodel::SubjectPattern;

use crate::setup::Setup;

/// How a setting can be changed.
enum Mend {
    /// By `nats stream edit`, with this flag.
    Edit(String),
    /// Not at all.
    Never,
}

/// The first setting that is not what a log needs: which, what it is, what it must be, what to do.
pub(crate) fn drift(setup: &Setup, config: &Config) -> Option<String> {
    let edit = |flag: &str| Mend::Edit(flag.to_owned());
    let checks: [(&str, bool, String, &str, Mend); 16] = [
        (
            "retention",
            config.retention == RetentionPolicy::Limits,
            format!("{:?}", config.retention),
            "limits",
            Mend::Never,
        ),
        (
            "storage",
            config.storage == setup.storage,
            storage(config.storage).into(),
            storage(setup.storage),
            Mend::Never,
        ),
        (
            "discard",
            config.discard == DiscardPolicy::New,
            "old".into(),
            "new",
            edit("--discard new"),
        ),
        (
            "allow_direct",
            config.allow_direct,
            "false".into(),
            "true",
            edit("--allow-direct"),
        ),
        (
            "allow_atomic",
            config.allow_atomic_publish,
            "false".into(),
            "true",
            edit("--allow-batch"),
        ),
        (
            "max_age",
            config.max_age.is_zero(),
            format!("{:?}", config.max_age),
            "0: events are kept",
            edit("--max-age 0"),
        ),
        (
            "max_msgs",
            config.max_messages <= 0,
            config.max_messages.to_string(),
            "-1: no limit",
            edit("--max-msgs=-1"),
        ),
        (
            "max_msgs_per_subject",
            config.max_messages_per_subject <= 0,
            config.max_messages_per_subject.to_string(),
            "-1: no limit",
            edit("--max-msgs-per-subject=-1"),
        ),
        (
            "deny_delete",
            config.deny_delete,
            "false".into(),
            "true",
            Mend::Never,
        ),
        (
            "deny_purge",
            config.deny_purge,
            "false".into(),
            "true",
            Mend::Never,
        ),
        (
            "allow_msg_ttl",
            !config.allow_message_ttl,
            "true".into(),
            "false: an event that expires is forgotten",
            Mend::Never,
        ),
        (
            "allow_msg_schedules",
            !config.allow_message_schedules,
            "true".into(),
            "false: it turns deny_purge off",
            Mend::Never,
        ),
        (
            "allow_msg_counter",
            !config.allow_message_counter,
            "true".into(),
            "false",
            Mend::Never,
        ),
        (
            "mirror or sources",
            config.mirror.is_none() && config.sources.as_ref().is_none_or(Vec::is_empty),
            "set".into(),
            "none",
            Mend::Never,
        ),
        (
            "persist_mode",
            !matches!(config.persist_mode, Some(PersistenceMode::Async)),
            "async".into(),
            "default: else an event is acknowledged before it is written",
            Mend::Never,
        ),
        (
            "no_ack",
            !config.no_ack && !config.sealed,
            "true, or sealed".into(),
            "false, and not sealed",
            edit("--ack"),
        ),
    ];
    for (setting, fits, actual, needed, mend) in checks {
        if !fits {
            return Some(text(&config.name, setting, &actual, needed, &mend));
        }
    }
    if let Some(replicas) = setup.replicas
        && config.num_replicas != replicas
    {
        let (actual, needed) = (config.num_replicas.to_string(), replicas.to_string());
        let mend = Mend::Edit(format!("--replicas {replicas}"));
        return Some(text(&config.name, "num_replicas", &actual, &needed, &mend));
    }
    if let Some(window) = setup.duplicate_window
        && config.duplicate_window != window
    {
        let (actual, needed) = (
            format!("{:?}", config.duplicate_window),
            format!("{window:?}"),
        );
        let mend = Mend::Edit(format!("--dupe-window {}s", window.as_secs()));
        return Some(text(
            &config.name,
            "duplicate_window",
            &actual,
            &needed,
            &mend,
        ));
    }
    None
}

fn text(stream: &str, setting: &str, actual: &str, needed: &str, mend: &Mend) -> String {
    let mend = match mend {
        Mend::Edit(flag) => format!("run `nats stream edit {stream} {flag}`"),
        Mend::Never => {
            "a JetStream stream keeps this for good: use another log name, and move what is in it by \
             `nats stream backup` and `restore`"
                .into()
        }
    };
    format!("`{setting}` is {actual} and must be {needed}; {mend}")
}

fn storage(storage: StorageType) -> &'static str {
    match storage {
        StorageType::File => "file",
        StorageType::Memory => "memory",
    }
}

/// The subjects that a stream does not take yet.
pub(crate) fn misses(config: &Config, subjects: &[String]) -> Vec<String> {
    let covered = |subject: &&String| config.subjects.iter().any(|taken| covers(taken, subject));
    subjects
        .iter()
        .filter(|subject| !covered(subject))
        .cloned()
        .collect()
}

/// Whether every subject that fits `inner` fits `outer`.
fn covers(outer: &str, inner: &str) -> bool {
    let (mut outer, mut inner) = (outer.split('.'), inner.split('.'));
    loop {
        match (outer.next(), inner.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

/// The patterns without those that another one covers; nothing if two of them overlap otherwise, which a consumer
/// does not take.
pub(crate) fn disjoint(patterns: &[SubjectPattern]) -> Option<Vec<String>> {
    let mut kept: Vec<&SubjectPattern> = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        if kept
            .iter()
            .any(|other| covers(other.as_str(), pattern.as_str()))
        {
            continue;
        }
        kept.retain(|other| !covers(pattern.as_str(), other.as_str()));
        kept.push(pattern);
    }
    let overlap = kept
        .iter()
        .enumerate()
        .any(|(n, pattern)| kept[..n].iter().any(|other| other.overlaps(pattern)));
    (!overlap).then(|| {
        kept.into_iter()
            .map(|pattern| pattern.as_str().to_owned())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_fits_it() {
        for (outer, inner) in [
            ("a.*", "a.b"),
            ("a.*", "a.*"),
            ("a.>", "a.*.b"),
            ("a.>", "a.>"),
            (">", "a"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("a.*", "a.>"),
            ("a.*", "a.b.c"),
            ("a.b", "a.*"),
            ("a.>", "a"),
            ("*.b", "a.*"),
        ] {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }

    #[test]
    fn overlapping_patterns_are_merged_or_given_up() {
        let patterns = |texts: &[&str]| -> Vec<SubjectPattern> {
            texts
                .iter()
                .map(|text| SubjectPattern::new(text).unwrap())
                .collect()
        };
        assert_eq!(
            disjoint(&patterns(&["a.b", "a.*", "c.*", "a.b"])).unwrap(),
            ["a.*", "c.*"]
        );
        assert_eq!(disjoint(&patterns(&["a.*.c", "a.b.*"])), None);
        assert_eq!(disjoint(&[]).unwrap(), Vec::<String>::new());
    }
}
