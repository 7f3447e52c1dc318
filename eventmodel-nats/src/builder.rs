//! Setting up a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::ContextBuilder;
use async_nats::jetstream::stream::StorageType;
use async_nats::{ConnectOptions, ServerAddr};
use eventmodel::memory::MemoryAudit;
use eventmodel::record::Subject;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use crate::NatsStore;
use crate::connect::connection::{Connection, ConnectionEvent, Events, Failure};
use crate::connect::defects::Defects;
use crate::connect::error::ConnectError;
use crate::connect::setup::Setup;
use crate::views::Views;

/// The oldest server that stores ids of messages in batches.
const OLDEST: (i64, i64, i64) = (2, 12, 1);
const OLDEST_TEXT: &str = "2.12.1";

/// How often the client pings a silent server. After the third missed answer it connects to another one: a node that
/// hangs keeps its connections open.
const PING: Duration = Duration::from_secs(2);

/// The characters that a token of a subject cannot hold, and the one that escapes them.
const NO_TOKEN: &AsciiSet = &CONTROLS.add(b' ').add(b'.').add(b'*').add(b'>').add(b'%');

/// Sets up a [`NatsStore`].
///
/// ```no_run
/// # async fn show() -> Result<(), eventmodel_nats::ConnectError> {
/// use std::time::Duration;
/// use eventmodel_nats::NatsStore;
///
/// let store = NatsStore::builder()
///     .replicas(3)
///     .duplicate_window(Duration::from_secs(600))
///     .credentials_file("hotel.creds")
///     .connect("nats://n1:4222,nats://n2:4222,nats://n3:4222")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing before `connect`"]
pub struct NatsStoreBuilder {
    setup: Setup,
    views: Views,
    options: ConnectOptions,
    credentials: Option<PathBuf>,
    api: Option<String>,
    user: Option<String>,
    inbox_prefix: Option<String>,
    creates_consumers: bool,
    timeout: Duration,
    accepted_defects: Vec<String>,
}

impl NatsStoreBuilder {
    /// How long an answer may take: 5 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// After how long without a sign of life a process loses its events to another one: 10 seconds.
    pub const DEFAULT_HAND_OVER: Duration = Duration::from_secs(10);

    /// How many bytes the audit trail keeps on each of its servers: 256 MiB, some 500,000 commands.
    pub const DEFAULT_AUDIT_MAX_BYTES: u64 = 256 * 1024 * 1024;

    fn new() -> Self {
        Self {
            setup: Setup {
                replicas: None,
                storage: StorageType::File,
                duplicate_window: None,
                create: true,
                accept_lost_events: false,
                remembered: 100_000,
                hand_over: Self::DEFAULT_HAND_OVER,
                audit_max_age: MemoryAudit::DEFAULT_MAX_AGE,
                audit_max_bytes: Self::DEFAULT_AUDIT_MAX_BYTES.cast_signed(),
            },
            views: Views::default(),
            options: ConnectOptions::new().name("eventmodel").ping_interval(PING),
            credentials: None,
            api: None,
            user: None,
            inbox_prefix: None,
            creates_consumers: true,
            timeout: Self::DEFAULT_TIMEOUT,
            accepted_defects: Vec::new(),
        }
    }

    /// How many copies of each log the servers keep: 3 in production, which needs a cluster of three. An existing log
    /// must have as many. *Default:* 1 for a new log, any number for an existing one.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.setup.replicas = Some(replicas);
        self
    }

    /// Keeps logs in the memory of the servers, for tests. *Default:* in files.
    pub fn memory_storage(mut self) -> Self {
        self.setup.storage = StorageType::Memory;
        self
    }

    /// How long JetStream remembers the ids of events: within this time it notices the id of a command wherever it was
    /// used. On its own stream instances the store finds it for ever. An existing log must have the same window.
    /// *Default:* 2 minutes for a new log, any window for an existing one.
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.setup.duplicate_window = Some(window);
        self
    }

    /// Where the apps on this store host their views, for example in buckets ([`KvViews`](crate::KvViews)). *Default:*
    /// in the memory of each process ([`MemoryViews`](eventmodel::memory::MemoryViews)).
    pub fn views(mut self, views: impl Into<Views>) -> Self {
        self.views = views.into();
        self
    }

    /// Neither creates nor changes JetStream streams, for an account that may not: the logs must exist.
    pub fn without_setup(mut self) -> Self {
        self.setup.create = false;
        self
    }

    /// Creates no consumers, for an account that may not: whoever may create a consumer on any JetStream stream can
    /// have it deliver into any other one, and so write to a log.
    ///
    /// The store then reads logs and buckets in pages, by direct gets. Existing events cost about as much to read;
    /// after a quiet while it sees a new event up to a quarter of a second later. The consumers of automations must
    /// exist; the error for a missing one names the `nats consumer add` line.
    pub fn without_consumers(mut self) -> Self {
        self.creates_consumers = false;
        self
    }

    /// Opens a log even if a limit or a purge has removed its start and no backup exists. An instance that has lost
    /// some of its events takes no command; one that has lost all of them begins anew. Views that are built from the
    /// log lack the lost events, and so do automations that had not seen them.
    pub fn accept_lost_events(mut self) -> Self {
        self.setup.accept_lost_events = true;
        self
    }

    /// How long an answer may take. The store waits as long for a server that is away, and twice as long for the
    /// election of a leader, which takes up to 9 seconds. *Default:* [`Self::DEFAULT_TIMEOUT`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how long without a sign of life JetStream gives the events that a process has in hand for an automation to
    /// another one (`ack_wait`). All processes must say the same. A handler may take longer: a process that lives says
    /// so. *Default:* [`Self::DEFAULT_HAND_OVER`].
    pub fn hand_over_after(mut self, silence: Duration) -> Self {
        self.setup.hand_over = silence;
        self
    }

    /// How long the audit trail keeps entries. *Default:* 14 days.
    pub fn audit_max_age(mut self, age: Duration) -> Self {
        self.setup.audit_max_age = age;
        self
    }

    /// How many bytes the audit trail keeps, at least 1: the oldest entries go first. The servers reserve so much
    /// storage when the store creates the trail. All processes must say the same. *Default:*
    /// [`Self::DEFAULT_AUDIT_MAX_BYTES`].
    pub fn audit_max_bytes(mut self, bytes: u64) -> Self {
        self.setup.audit_max_bytes = i64::try_from(bytes.max(1)).unwrap_or(i64::MAX);
        self
    }

    /// Keeps no audit trail.
    pub fn without_audit(self) -> Self {
        self.audit_max_age(Duration::ZERO)
    }

    /// Works with servers that have this defect, named by its number: the store no longer promises what it breaks.
    /// Known defects are
    ///
    /// | defect | what it breaks | servers without it |
    /// |---|---|---|
    /// | [8376](https://github.com/nats-io/nats-server/issues/8376) | several guards of one append are mixed up: events may be stored although a guard does not hold | 2.14.4 and newer; of 2.12 those from 2.12.14 on |
    ///
    /// *Default:* the store refuses a model on such a server if one of its commands can append under several guards,
    /// and refuses such an append while such a server leads the log. Meant for tests of the defects themselves.
    pub fn accept_defect(mut self, number: impl Into<String>) -> Self {
        self.accepted_defects.push(number.into());
        self
    }

    /// The JetStream domain, for a client at a leaf node whose logs are at the hub, or the other way round.
    pub fn domain(mut self, domain: impl AsRef<str>) -> Self {
        self.api = Some(format!("$JS.{}.API", domain.as_ref()));
        self
    }

    /// The prefix of JetStream's API, for an account that imports it under another one than `$JS.API`.
    ///
    /// The account also imports the subjects of the streams, `eventmodel.>` and `$JS.ACK.>`, under their own names, and
    /// for [`KvViews`](crate::KvViews) `$KV.>` as `<prefix>.$KV.>`. All are services; the exporting account exports the
    /// API with `response_type: stream`.
    pub fn api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api = Some(prefix.into());
        self
    }

    /// The prefix of the subjects for answers: `_INBOX_hotel` for an account that may subscribe to `_INBOX_hotel.>`.
    ///
    /// Whoever may subscribe to it reads every answer to this store, events included. So the store never uses the
    /// `_INBOX` that all clients share. *Default:* `_INBOX_<user>` for a user with a password (the name as a token of a
    /// subject: `a.b` is `a%2Eb`), otherwise a prefix that nobody can guess.
    pub fn inbox_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.inbox_prefix = Some(prefix.into());
        self
    }

    /// Authenticates with a credentials file (`.creds`).
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Authenticates with a user name and a password.
    pub fn user_and_password(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        let user = user.into();
        self.user = Some(user.clone());
        self.options = self.options.user_and_password(user, password.into());
        self
    }

    /// Authenticates with a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options = self.options.token(token.into());
        self
    }

    /// Authenticates with the seed of an nkey.
    pub fn nkey(mut self, seed: impl Into<String>) -> Self {
        self.options = self.options.nkey(seed.into());
        self
    }

    /// Connects only with TLS.
    pub fn require_tls(mut self) -> Self {
        self.options = self.options.require_tls(true);
        self
    }

    /// Trusts the certificates in this file (PEM), as well as those of the system.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.options = self.options.add_root_certificates(path.into());
        self
    }

    /// Authenticates with a certificate and its key (PEM).
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.options = self
            .options
            .add_client_certificate(certificate.into(), key.into());
        self
    }

    /// Sets any other option of the client: other ways to authenticate, delays between attempts to connect.
    ///
    /// The store itself sets the callback for events (see [`NatsStore::connection_events`]) and the prefix of inboxes
    /// (see [`inbox_prefix`](Self::inbox_prefix)).
    pub fn client_options(mut self, set: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        self.options = set(self.options);
        self
    }

    /// Connects to the servers at these addresses, separated by commas. An address may hold a user name and a password,
    /// or a token: `nats://user:password@host:4222`.
    ///
    /// # Errors
    /// [`ConnectError`] if no server answers, or it refuses, is too old or has no JetStream, or if an accepted defect
    /// is unknown.
    pub async fn connect(self, servers: impl AsRef<str>) -> Result<NatsStore, ConnectError> {
        let defects = Defects::except(&self.accepted_defects)?;
        let servers = servers.as_ref();
        let addresses = addresses(servers)?;
        let (mut options, mut name) = (self.options, self.user);
        if let Some(path) = &self.credentials {
            options = options
                .credentials_file(path)
                .await
                .map_err(ConnectError::Credentials)?;
        }
        // The client library ignores what stands before the host.
        if let Some(address) = addresses.iter().find(|address| address.has_user_pass()) {
            let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let user = plain(address.username().unwrap_or_default());
            options = match address.password() {
                Some(password) => {
                    name = Some(user.clone());
                    options.user_and_password(user, plain(password))
                }
                None => options.token(user),
            };
        }
        let inbox = inbox_prefix(self.inbox_prefix, name.as_deref())?;
        let events = Arc::new(Events::default());
        let told = events.clone();
        options = options
            .custom_inbox_prefix(inbox)
            .request_timeout(Some(self.timeout))
            .connection_timeout(self.timeout)
            .event_callback(move |event| {
                if let Some(event) = ConnectionEvent::from_client(event) {
                    told.happened(event);
                }
                async {}
            });
        let client = options.connect(addresses).await;
        let client = client.map_err(|source| ConnectError::Unreachable {
            servers: without_secrets(servers),
            source,
        })?;
        let (major, minor, patch) = OLDEST;
        let info = client.server_info();
        if !client.is_server_compatible(major, minor, patch) {
            return Err(ConnectError::TooOld {
                found: info.version,
                needed: OLDEST_TEXT,
            });
        }
        let api = self.api.unwrap_or_else(|| "$JS.API".into());
        let jetstream = ContextBuilder::new().timeout(self.timeout);
        let jetstream = jetstream.api_prefix(api.clone()).build(client.clone());
        let has_jetstream = info.jetstream;
        let connection = Connection {
            client,
            jetstream,
            api: api.into(),
            timeout: self.timeout,
            creates_consumers: self.creates_consumers,
            events,
            defects,
        };
        // A node without JetStream may belong to a cluster that has it.
        if !has_jetstream {
            let info = format!("{}.INFO", connection.api);
            let answer = connection.request(&info, None, bytes::Bytes::new()).await;
            if matches!(answer, Err(Failure::NoResponders(_))) {
                return Err(ConnectError::NoJetStream);
            }
        }
        Ok(NatsStore::new(connection, self.setup, self.views))
    }
}

impl NatsStore {
    /// Connects to the servers at these addresses, separated by commas: `nats://localhost:4222`.
    ///
    /// # Errors
    /// [`ConnectError`] if no server answers, or it refuses or is too old.
    pub async fn connect(servers: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::builder().connect(servers).await
    }

    /// A builder for what differs from the defaults: replicas, credentials, TLS.
    pub fn builder() -> NatsStoreBuilder {
        NatsStoreBuilder::new()
    }
}

/// What the subjects for answers begin with.
fn inbox_prefix(given: Option<String>, user: Option<&str>) -> Result<String, ConnectError> {
    if let Some(prefix) = given {
        return match Subject::new(&prefix) {
            Ok(_) => Ok(prefix),
            Err(error) => Err(ConnectError::InboxPrefix {
                prefix,
                reason: error.to_string(),
            }),
        };
    }
    Ok(match user {
        Some(user) => format!("_INBOX_{}", utf8_percent_encode(user, NO_TOKEN)),
        None => format!("_INBOX_{}", Uuid::now_v7().simple()),
    })
}

fn addresses(servers: &str) -> Result<Vec<ServerAddr>, ConnectError> {
    let address = |text: &str| {
        text.trim()
            .parse()
            .map_err(|error: std::io::Error| ConnectError::Address {
                servers: without_secrets(servers),
                reason: error.to_string(),
            })
    };
    servers.split(',').map(address).collect()
}

/// Addresses as an error may show them: without the name and the password in them.
fn without_secrets(servers: &str) -> String {
    let address = |text: &str| match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        _ => text.to_owned(),
    };
    servers
        .split(',')
        .map(address)
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_an_address_is_not_shown() {
        let shown = without_secrets("nats://me:s@cret@a:4222,token@b,nats://c");
        assert_eq!(shown, "nats://a:4222,b,nats://c");
    }

    #[test]
    fn answers_come_to_a_prefix_of_its_own() {
        let prefix = |given: Option<&str>, user| inbox_prefix(given.map(str::to_owned), user);
        assert_eq!(prefix(None, Some("reader")).unwrap(), "_INBOX_reader");
        assert_eq!(prefix(None, Some("a.b >")).unwrap(), "_INBOX_a%2Eb%20%3E");
        assert_eq!(prefix(Some("_IN.a"), Some("reader")).unwrap(), "_IN.a");
        let chance = prefix(None, None).unwrap();
        assert!(chance.starts_with("_INBOX_"), "{chance}");
        assert_ne!(prefix(None, None).unwrap(), chance);
    }

    #[test]
    fn a_prefix_of_answers_that_is_no_subject_is_refused() {
        for prefix in ["", "_INBOX.>", "a b", "a.", "*"] {
            let refused = inbox_prefix(Some(prefix.into()), None).unwrap_err();
            assert!(refused.to_string().contains("`inbox_prefix`"), "{refused}");
        }
    }
}
