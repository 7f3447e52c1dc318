//! Setting up a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::ContextBuilder;
use async_nats::jetstream::stream::StorageType;
use async_nats::{ConnectOptions, ServerAddr};
use eventmodel::{MemoryAudit, Subject};
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

/// How often a server that says nothing is asked whether it is there. The third time that it is not, the client goes
/// to another one: a node that hangs keeps its connections open.
const PING: Duration = Duration::from_secs(2);

/// What a token of a subject cannot hold, and what encodes it.
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
    /// How long an answer may take, unless it is set: 5 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

    /// After how long without a sign of life a process has to let go of its events, unless it is set: 10 seconds.
    pub const DEFAULT_HAND_OVER: Duration = Duration::from_secs(10);

    /// How many bytes the audit trail keeps on each of its servers, unless it is set: 256 MiB, some 500,000 commands.
    pub const DEFAULT_AUDIT_MAX_BYTES: u64 = 256 * 1024 * 1024;

    fn new() -> Self {
        Self {
            setup: Setup {
                replicas: None,
                storage: StorageType::File,
                duplicate_window: None,
                create: true,
                accept_lost_events: false,
                trails: 100_000,
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

    /// How many copies of each log the servers keep: 3 in production, which needs a cluster of three. A log that is
    /// there must have as many; a new one has 1 if it is not said.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.setup.replicas = Some(replicas);
        self
    }

    /// Keeps logs in the memory of the servers: for tests.
    pub fn memory_storage(mut self) -> Self {
        self.setup.storage = StorageType::Memory;
        self
    }

    /// How long JetStream remembers the ids of events: within this time the id of a command is noticed wherever it
    /// was used. On its own stream instances it is found for ever. 2 minutes for a new log if it is not said; a log
    /// that is there must have the same.
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.setup.duplicate_window = Some(window);
        self
    }

    /// Where the views of the apps on this store live: in buckets ([`KvViews`](crate::KvViews)), or, as if it is not
    /// said, in the memory of each process ([`MemoryViews`](eventmodel::view::MemoryViews)).
    pub fn views(mut self, views: impl Into<Views>) -> Self {
        self.views = views.into();
        self
    }

    /// Neither creates nor changes JetStream streams: the logs must be there, as for an account that may not.
    pub fn without_setup(mut self) -> Self {
        self.setup.create = false;
        self
    }

    /// Creates no consumers, for an account that may not: who may create a consumer on any JetStream stream may have it
    /// deliver into any other one, so he may write to a log.
    ///
    /// Logs and buckets are then read in pages, by direct gets. Reading what is there costs about as much; what is new
    /// is seen up to a quarter of a second later, when there was nothing new for a while. The consumers of automations
    /// must be there; the error for a missing one says the `nats consumer add` line.
    pub fn without_consumers(mut self) -> Self {
        self.creates_consumers = false;
        self
    }

    /// Opens a log also if it has lost its start, by a limit or a purge, and cannot be restored. An instance that has lost
    /// some of its events takes no command, one that has lost all of them begins anew. Views that are built from the
    /// log, and automations that have not seen them, lack what is gone.
    pub fn accept_lost_events(mut self) -> Self {
        self.setup.accept_lost_events = true;
        self
    }

    /// How long an answer may take, [`Self::DEFAULT_TIMEOUT`] if it is not said. A server that is away is waited for
    /// as long, and a leader that has to be elected twice as long: an election takes up to 9 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how long without a sign of life the events that a process has in hand for an automation are given to
    /// another one (`ack_wait`), [`Self::DEFAULT_HAND_OVER`] if it is not said. All processes must say the same. A
    /// handler may take longer: as long as the process lives, it says so.
    pub fn hand_over_after(mut self, silence: Duration) -> Self {
        self.setup.hand_over = silence;
        self
    }

    /// How long the audit trail keeps entries: 14 days if it is not said.
    pub fn audit_max_age(mut self, age: Duration) -> Self {
        self.setup.audit_max_age = age;
        self
    }

    /// How many bytes the audit trail keeps, [`Self::DEFAULT_AUDIT_MAX_BYTES`] if it is not said, at least 1: the oldest
    /// entries go first. The servers set so much of their storage aside when the trail is made. All processes must say
    /// the same.
    pub fn audit_max_bytes(mut self, bytes: u64) -> Self {
        self.setup.audit_max_bytes = i64::try_from(bytes.max(1)).unwrap_or(i64::MAX);
        self
    }

    /// Keeps no audit trail.
    pub fn without_audit(self) -> Self {
        self.audit_max_age(Duration::ZERO)
    }

    /// Works with servers that have this defect, by its number, as if they had not: what it breaks is not promised any
    /// more. Known are
    ///
    /// | defect | what it breaks | servers without it |
    /// |---|---|---|
    /// | [8376](https://github.com/nats-io/nats-server/issues/8376) | several guards of one append are mixed up: events may be stored although a guard does not hold | 2.14.4 and newer; of 2.12 those from 2.12.14 on |
    ///
    /// Without it a model is refused on such a server if one of its commands can append under several guards, and such
    /// an append is refused while such a server leads the log. Meant for tests of the defects themselves.
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
    /// The account imports also the subjects of the streams, `eventmodel.>` and `$JS.ACK.>`, under their own names;
    /// and for [`KvViews`](crate::KvViews) `$KV.>` as `<prefix>.$KV.>`. All are services; that of the API is exported
    /// with `response_type: stream`.
    pub fn api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api = Some(prefix.into());
        self
    }

    /// The prefix of the subjects for answers: `_INBOX_hotel` for an account that may subscribe to `_INBOX_hotel.>`.
    ///
    /// Who may subscribe to it reads all that this store is answered, events included, so it is its own also if it is
    /// not said, and never the `_INBOX` of all clients: `_INBOX_<user>` for one who proves who it is by a name and a
    /// password (the name as a token of a subject: `a.b` is `a%2Eb`), else one that nobody can know.
    pub fn inbox_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.inbox_prefix = Some(prefix.into());
        self
    }

    /// Proves who it is by a credentials file (`.creds`).
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Proves who it is by a name and a password.
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

    /// Proves who it is by a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.options = self.options.token(token.into());
        self
    }

    /// Proves who it is by the seed of an nkey.
    pub fn nkey(mut self, seed: impl Into<String>) -> Self {
        self.options = self.options.nkey(seed.into());
        self
    }

    /// Connects by TLS only.
    pub fn require_tls(mut self) -> Self {
        self.options = self.options.require_tls(true);
        self
    }

    /// Trusts the certificates in this file (PEM), beside those of the system.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.options = self.options.add_root_certificates(path.into());
        self
    }

    /// Proves who it is by a certificate and its key (PEM).
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

    /// Sets anything else of the client: other ways to prove who it is, delays between attempts to connect.
    ///
    /// The store sets the callback for events itself; see [`NatsStore::connection_events`]. So it does with the prefix of
    /// inboxes; see [`inbox_prefix`](Self::inbox_prefix).
    pub fn client_options(mut self, set: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        self.options = set(self.options);
        self
    }

    /// Connects to the servers at these addresses, separated by commas. A name and a password, or a token, may stand in
    /// one: `nats://user:password@host:4222`.
    ///
    /// # Errors
    /// [`ConnectError`] if there is no server, it refuses, is too old, or has no JetStream; or if a defect is accepted
    /// that is not known.
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
        // The client library does not look at what stands before the host.
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
        // A node without JetStream may be one of a cluster that has it.
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
    /// [`ConnectError`] if there is no server, it refuses, or it is too old.
    pub async fn connect(servers: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::builder().connect(servers).await
    }

    /// Sets what differs from the defaults: replicas, credentials, TLS.
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

/// Addresses as they can be shown: without the name and the password that may stand in them.
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
