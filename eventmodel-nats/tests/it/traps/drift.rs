//! A JetStream stream that is not what a log needs: the error tells the setting and the command that mends it, and the
//! command mends it.

use std::time::Duration;

use eventmodel::StoreError;
use eventmodel::store::Store;
use eventmodel_nats::async_nats::jetstream::{
    self,
    stream::{
        Config, DiscardPolicy, PersistenceMode, Republish, RetentionPolicy, Source, StorageType,
        SubjectTransform,
    },
};
use eventmodel_nats_harness::shared_server;

use super::bench::Bench;
use crate::{builder, store};

/// What is wrong, how it is made wrong, and how an operator mends it; nothing if the server does not let him.
type Case = (&'static str, fn(&mut Config), Option<fn(&mut Config)>);

const CASES: &[Case] = &[
    (
        "discard",
        |c| c.discard = DiscardPolicy::Old,
        Some(|c| c.discard = DiscardPolicy::New),
    ),
    (
        "allow_direct",
        |c| c.allow_direct = false,
        Some(|c| c.allow_direct = true),
    ),
    (
        "allow_atomic",
        |c| c.allow_atomic_publish = false,
        Some(|c| c.allow_atomic_publish = true),
    ),
    (
        "max_age",
        |c| c.max_age = Duration::from_secs(3600),
        Some(|c| c.max_age = Duration::ZERO),
    ),
    (
        "max_msgs",
        |c| c.max_messages = 1_000,
        Some(|c| c.max_messages = -1),
    ),
    (
        "max_msgs_per_subject",
        |c| c.max_messages_per_subject = 10,
        Some(|c| c.max_messages_per_subject = -1),
    ),
    (
        "no_ack",
        |c| {
            c.no_ack = true;
            // The server does not allow both.
            c.allow_atomic_publish = false;
        },
        None,
    ),
    (
        "retention",
        |c| c.retention = RetentionPolicy::WorkQueue,
        None,
    ),
    ("storage", |c| c.storage = StorageType::Memory, None),
    (
        "allow_rollup_hdrs",
        |c| {
            c.allow_rollup = true;
            c.deny_purge = false;
        },
        Some(|c| {
            c.allow_rollup = false;
            c.deny_purge = true;
        }),
    ),
    (
        "deny_delete",
        |c| c.deny_delete = false,
        Some(|c| c.deny_delete = true),
    ),
    (
        "deny_purge",
        |c| c.deny_purge = false,
        Some(|c| c.deny_purge = true),
    ),
    ("allow_msg_ttl", |c| c.allow_message_ttl = true, None),
    (
        "subject_transform",
        |c| {
            c.subject_transform = Some(SubjectTransform {
                source: c.subjects[0].clone(),
                destination: "elsewhere.{{wildcard(1)}}".into(),
            });
        },
        Some(|c| c.subject_transform = None),
    ),
    (
        "mirror",
        |c| {
            c.mirror = Some(Source {
                name: "another".into(),
                ..Source::default()
            });
            c.subjects = vec![];
            // The server does not allow both.
            c.allow_atomic_publish = false;
        },
        None,
    ),
    (
        "sources",
        |c| {
            c.sources = Some(vec![Source {
                name: "another".into(),
                ..Source::default()
            }]);
        },
        Some(|c| c.sources = None),
    ),
    (
        "persist_mode",
        |c| {
            c.persist_mode = Some(PersistenceMode::Async);
            c.allow_atomic_publish = false;
        },
        None,
    ),
];

/// A log as the store itself makes it, then made wrong.
async fn drifted(wrong: impl FnOnce(&mut Config)) -> (Bench, jetstream::Context, Config) {
    let made = Bench::open(store().await).await;
    let mut config = made.stream().await.get_info().await.unwrap().config;
    wrong(&mut config);
    let context = jetstream::new(made.store.client().clone());
    context.delete_stream(&*made.log).await.unwrap();
    context
        .create_stream(config.clone())
        .await
        .unwrap_or_else(|error| panic!("{config:?}: {error}"));
    let fresh = Bench {
        store: store().await,
        log: made.log,
    };
    (fresh, context, config)
}

async fn reason(bench: &Bench) -> String {
    match bench.reopen().await {
        Err(StoreError::Drift { log, reason }) => {
            assert_eq!(log, bench.log);
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_wrong_setting_is_named_with_what_it_is_and_must_be_and_what_mends_it() {
    for (name, wrong, mend) in CASES {
        let (bench, context, mut config) = drifted(wrong).await;
        let text = reason(&bench).await;
        assert!(text.contains(&format!("`{name}` is ")), "{name}: {text}");
        assert!(text.contains("must be"), "{name}: {text}");
        let Some(mend) = mend else { continue };
        let command = format!("nats stream edit {} --", bench.log);
        assert!(text.contains(&command), "{name}: {text}");
        mend(&mut config);
        context
            .update_stream(config)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        bench
            .reopen()
            .await
            .unwrap_or_else(|error| panic!("{name} was mended: {error}"));
    }
}

/// What is said to be for good must be so: else the operator moves a log that he could have mended.
#[tokio::test]
async fn what_is_said_to_be_kept_for_good_cannot_be_changed() {
    for (name, wrong, mend) in CASES {
        if mend.is_some() {
            continue;
        }
        let (bench, context, _) = drifted(wrong).await;
        let text = reason(&bench).await;
        let right = {
            let other = Bench::open(store().await).await;
            let mut right = other.stream().await.get_info().await.unwrap().config;
            right.name = bench.log.to_string();
            right.subjects = vec![];
            right
        };
        let mut config = bench.stream().await.get_info().await.unwrap().config;
        right_in_all_but_subjects(&mut config, right);
        let updated = context.update_stream(config).await;
        let for_good = text.contains("for good");
        assert_eq!(updated.is_err(), for_good, "{name}: {text}; {updated:?}");
    }
}

fn right_in_all_but_subjects(config: &mut Config, right: Config) {
    let subjects = std::mem::take(&mut config.subjects);
    *config = Config { subjects, ..right };
}

#[tokio::test]
async fn what_the_store_was_told_is_checked_too() {
    let made = Bench::open(store().await).await;
    let url = shared_server().await.unwrap();
    let window = builder().duplicate_window(Duration::from_secs(600));
    let replicas = builder().replicas(3);
    for (builder, what, mend) in [
        (
            window,
            "`duplicate_window` is 120s and must be 600s",
            "--dupe-window 600s",
        ),
        (
            replicas,
            "`num_replicas` is 1 and must be 3",
            "--replicas 3",
        ),
    ] {
        let bench = Bench {
            store: builder.connect(&url).await.unwrap(),
            log: made.log.clone(),
        };
        let text = reason(&bench).await;
        assert!(text.contains(what) && text.contains(mend), "{text}");
    }
}

#[tokio::test]
async fn an_observer_of_a_log_does_not_disturb_it() {
    let (bench, _, _) = drifted(|config| {
        config.republish = Some(Republish {
            source: ">".into(),
            destination: format!("copy.{}.>", config.name),
            headers_only: false,
        });
        config.max_bytes = 100_000_000;
        config.description = Some("By an operator".into());
        config.metadata.insert("team".into(), "hotel".into());
    })
    .await;
    bench.reopen().await.unwrap();
    // What was set by others stays when subjects are added.
    let mut spec = bench.spec();
    spec.subjects.push(bench.pattern("more.*"));
    bench.store.open(&[spec]).await.unwrap();
    let config = bench.stream().await.get_info().await.unwrap().config;
    assert_eq!(config.subjects.len(), 3);
    assert_eq!(config.max_bytes, 100_000_000);
    assert_eq!(config.metadata["team"], "hotel");
    assert!(config.republish.is_some());
}
