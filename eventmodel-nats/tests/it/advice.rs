//! Whoever does what the errors say, word for word, and nothing else, gets a program that runs. There is no `nats` here:
//! what its commands do is done through the API, with the defaults of `natscli` 0.4.

use std::collections::BTreeMap;
use std::time::Duration;

use eventmodel::store::AuditQuery;
use eventmodel::{App, EventModel, Slice, StartError, StoreError, automation};
use eventmodel_nats::async_nats::jetstream::consumer::{
    AckPolicy, DeliverPolicy, ReplayPolicy, pull,
};
use eventmodel_nats::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use eventmodel_nats::async_nats::jetstream::{self, Context};
use eventmodel_nats::{KvViews, NatsStore, NatsStoreBuilder};
use eventmodel_nats_harness::Server;
use support::bank::{Balance, Deposited, Withdraw, account, bank, deposit, withdraw};
use support::until;
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(60);

/// A command line: the words, and the flags with their values.
struct Line {
    words: Vec<String>,
    flags: BTreeMap<String, String>,
}

impl Line {
    /// The command that an error says to run.
    fn of(error: &StoreError) -> Self {
        let text = error.to_string();
        let (_, line) = text.split_once("run `nats ").expect(&text);
        let (line, _) = line.split_once('`').unwrap();
        let mut parts = line.split(' ').peekable();
        let (mut words, mut flags) = (Vec::new(), BTreeMap::new());
        while let Some(part) = parts.next() {
            // What a shell would take for something else stands in quotes.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.=,".contains(c);
            let quoted = part.strip_prefix('\'').and_then(|p| p.strip_suffix('\''));
            assert!(quoted.is_some() || part.chars().all(is_plain), "{line}");
            let Some(flag) = part.strip_prefix("--") else {
                words.push(quoted.unwrap_or(part).to_owned());
                continue;
            };
            let (flag, value) = match flag.split_once('=') {
                Some((flag, value)) => (flag, value.to_owned()),
                None if parts.peek().is_some_and(|next| !next.starts_with("--")) => {
                    (flag, parts.next().unwrap().trim_matches('\'').to_owned())
                }
                None => (flag, String::new()),
            };
            flags.insert(flag.to_owned(), value);
        }
        Self { words, flags }
    }

    fn take(&mut self, flag: &str) -> Option<String> {
        self.flags.remove(flag)
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self, flag: &str) -> Option<T> {
        self.take(flag).map(|text| text.parse().unwrap())
    }

    fn duration(&mut self, flag: &str) -> Option<Duration> {
        let text = self.take(flag)?;
        Some(match text.strip_suffix('s') {
            Some(seconds) => Duration::from_secs_f64(seconds.parse().unwrap()),
            None => Duration::from_secs(text.parse().unwrap()),
        })
    }

    async fn run(mut self, context: &Context) {
        let words: Vec<String> = std::mem::take(&mut self.words);
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["stream", "add", name] => self.add_stream(context, name).await,
            ["stream", "edit", name] => self.edit_stream(context, name).await,
            ["consumer", "add", log, name] => self.add_consumer(context, log, name).await,
            ["kv", "add", bucket] => {
                let config = jetstream::kv::Config {
                    bucket: bucket.into(),
                    num_replicas: self.number("replicas").unwrap_or(1),
                    ..jetstream::kv::Config::default()
                };
                context.create_key_value(config).await.unwrap();
            }
            ref other => panic!("{other:?}"),
        }
        assert!(self.flags.is_empty(), "{:?}", self.flags);
    }

    async fn add_stream(&mut self, context: &Context, name: &str) {
        assert!(self.take("defaults").is_some(), "it would ask");
        let mut config = Config {
            name: name.into(),
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            num_replicas: 1,
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            ..Config::default()
        };
        if let Some(storage) = self.take("storage") {
            config.storage = match &*storage {
                "memory" => StorageType::Memory,
                "file" => StorageType::File,
                other => panic!("{other}"),
            };
        }
        self.change(&mut config);
        context.create_stream(config).await.unwrap();
    }

    async fn edit_stream(&mut self, context: &Context, name: &str) {
        let stream = context.get_stream(name).await.unwrap();
        let mut config = stream.get_info().await.unwrap().config;
        self.change(&mut config);
        context.update_stream(config).await.unwrap();
    }

    /// What `add` and `edit` share.
    fn change(&mut self, config: &mut Config) {
        if let Some(subjects) = self.take("subjects") {
            config.subjects = subjects.split(',').map(str::to_owned).collect();
        }
        if let Some(discard) = self.take("discard") {
            config.discard = match &*discard {
                "new" => DiscardPolicy::New,
                "old" => DiscardPolicy::Old,
                other => panic!("{other}"),
            };
        }
        if let Some(replicas) = self.number("replicas") {
            config.num_replicas = replicas;
        }
        if let Some(window) = self.duration("dupe-window") {
            config.duplicate_window = window;
        }
        if let Some(age) = self.duration("max-age") {
            config.max_age = age;
            config.duplicate_window = config.duplicate_window.min(match age {
                Duration::ZERO => Duration::MAX,
                age => age,
            });
        }
        if let Some(bytes) = self.number("max-bytes") {
            config.max_bytes = bytes;
        }
        if let Some(messages) = self.number("max-msgs") {
            config.max_messages = messages;
        }
        if let Some(messages) = self.number("max-msgs-per-subject") {
            config.max_messages_per_subject = messages;
        }
        for (flag, set) in [
            ("allow-direct", &mut config.allow_direct),
            ("allow-batch", &mut config.allow_atomic_publish),
            ("deny-delete", &mut config.deny_delete),
            ("deny-purge", &mut config.deny_purge),
        ] {
            *set |= self.flags.remove(flag).is_some();
        }
    }

    async fn add_consumer(&mut self, context: &Context, log: &str, name: &str) {
        for flag in ["pull", "defaults"] {
            assert!(self.take(flag).is_some(), "it would ask");
        }
        assert_eq!(self.take("deliver").as_deref(), Some("all"));
        assert_eq!(self.take("ack").as_deref(), Some("explicit"));
        assert_eq!(self.take("replay").as_deref(), Some("instant"));
        let config = pull::Config {
            durable_name: Some(name.into()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            replay_policy: ReplayPolicy::Instant,
            ack_wait: self.duration("wait").unwrap(),
            max_deliver: self.number("max-deliver").unwrap(),
            max_ack_pending: self.number("max-pending").unwrap(),
            ..pull::Config::default()
        };
        let stream = context.get_stream(log).await.unwrap();
        stream.create_consumer(config).await.unwrap();
    }
}

/// Takes a cent of each deposit.
#[derive(Default)]
struct Taker;

#[automation]
impl Taker {
    async fn deposited(&self, event: &Deposited) -> Withdraw {
        withdraw(&event.account, 1)
    }
}

fn model() -> EventModel {
    bank().slice(Slice::new("Take").automation::<Taker>())
}

/// Starts it, and does what it says until it starts. How often that was.
async fn led(context: &Context, store: &NatsStore) -> (App, usize) {
    let mut steps = 0;
    loop {
        match model().start(store.clone()).await {
            Ok(app) => return (app, steps),
            Err(StartError::Store(error)) => Line::of(&error).run(context).await,
            Err(error) => panic!("{error}"),
        }
        steps += 1;
        assert!(steps < 10, "it leads nowhere");
    }
}

async fn works(app: &App) {
    let _ = app.execute(deposit("ann", 5)).await.unwrap();
    timeout(BOUND, app.settled()).await.unwrap().unwrap();
    let balance = app.view::<Balance>().get(&account("ann")).await.unwrap();
    assert_eq!(balance.unwrap().cents, 4);
    assert!(app.parked().is_empty(), "{:?}", app.parked());
}

async fn a_program_that_may_set_up_nothing_is_led(builder: NatsStoreBuilder) {
    let server = Server::start().await.unwrap();
    let store = builder.without_setup().connect(server.url()).await.unwrap();
    let context = jetstream::new(store.client().clone());
    let (app, steps) = led(&context, &store).await;
    assert_eq!(
        steps, 3,
        "the log, the consumer, the bucket of what is parked"
    );
    works(&app).await;
    let error = app.audit(&AuditQuery::new()).await.unwrap_err();
    Line::of(&error).run(&context).await;
    // Where the stream was missing a moment ago, not every entry asks for it again: some are dropped yet.
    until("the trail has a command", async || {
        let _ = app.execute(deposit("ann", 5)).await.unwrap();
        !app.audit(&AuditQuery::new()).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_program_that_may_set_up_nothing_is_led_by_its_errors() {
    a_program_that_may_set_up_nothing_is_led(crate::builder()).await;
}

#[tokio::test]
async fn a_program_that_keeps_its_logs_in_memory_is_led_by_its_errors() {
    a_program_that_may_set_up_nothing_is_led(crate::builder().memory_storage()).await;
}

/// Each wrong setting is mended by the command that names it, until none is left.
#[tokio::test]
async fn a_log_that_somebody_else_made_is_mended_by_what_the_errors_say() {
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let context = jetstream::new(store.client().clone());
    let config = Config {
        name: "bank".into(),
        subjects: vec!["account.*".into()],
        discard: DiscardPolicy::Old,
        max_messages: 1_000,
        max_messages_per_subject: 100,
        max_age: Duration::from_secs(3_600),
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let (app, steps) = led(&context, &store).await;
    assert!(steps >= 7, "{steps}");
    works(&app).await;
}

/// A bucket has metadata that no command writes: one that may make it starts the app once.
#[tokio::test]
async fn a_bucket_is_made_by_one_that_may() {
    let server = Server::start().await.unwrap();
    let builder = || crate::builder().views(KvViews::new());
    let store = builder()
        .without_setup()
        .connect(server.url())
        .await
        .unwrap();
    let context = jetstream::new(store.client().clone());
    let error = loop {
        match model().start(store.clone()).await {
            Err(StartError::Store(error)) if error.to_string().contains("run `") => {
                Line::of(&error).run(&context).await;
            }
            Err(error) => break error.to_string(),
            Ok(_) => panic!("there is no bucket"),
        }
    };
    assert!(
        error.contains("let one that may start the app once"),
        "{error}"
    );
    let other = builder().connect(server.url()).await.unwrap();
    model()
        .start(other)
        .await
        .unwrap()
        .shutdown()
        .await
        .unwrap();
    works(&model().start(store).await.unwrap()).await;
}

/// `nats stream ls --subject` asks the server this.
async fn taken_by(context: &Context, subject: &str) -> serde_json::Value {
    let asked = serde_json::json!({ "subject": subject });
    let names: serde_json::Value = context.request("STREAM.NAMES", &asked).await.unwrap();
    names["streams"].clone()
}

#[tokio::test]
async fn the_log_that_is_in_the_way_is_found_as_it_is_said() {
    let server = Server::start().await.unwrap();
    let store = crate::builder().connect(server.url()).await.unwrap();
    let context = jetstream::new(store.client().clone());
    let config = Config {
        name: "other".into(),
        subjects: vec!["account.ann".into()],
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let error = model().start(store).await.unwrap_err().to_string();
    assert!(
        error.contains("(account.*, eventmodel.bank.guard)"),
        "{error}"
    );
    assert!(
        error.contains("`nats stream ls --subject '<subject>'`"),
        "{error}"
    );
    assert_eq!(
        taken_by(&context, "account.*").await,
        serde_json::json!(["other"])
    );
    assert!(taken_by(&context, "eventmodel.bank.guard").await.is_null());
}
