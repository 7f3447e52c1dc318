//! The audit trail: a JetStream stream of its own, which the store writes beside the commands.
//!
//! The store creates the stream for the first entry or query. If the account may not create it, or the servers cannot
//! keep up, the store drops entries, counts them and logs that: commands go on.
//!
//! To look at: `nats stream view EVENTMODEL_AUDIT --subject 'eventmodel_audit.BookRoom'`.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use async_trait::async_trait;
use eventmodel::store::{AuditEntry, AuditQuery, AuditTrail};
use eventmodel::{__limited as limited, StoreError};
use futures_util::StreamExt;
use tokio::sync::{Mutex, OnceCell, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::connect::connection::{Connection, Failure};
use crate::connect::direct_get::Page;
use crate::connect::drift::{Drift, drifted, settings};
use crate::connect::jetstream::MESSAGE_ID;
use crate::connect::setup::{Setup, storage};
use crate::connect::subjects::misses;

const STREAM: &str = "EVENTMODEL_AUDIT";
const SUBJECTS: &str = "eventmodel_audit";

/// How many entries may wait.
const QUEUE: usize = 10_000;

/// How many publishes may be unanswered.
const IN_FLIGHT: usize = 256;

/// How often the store sends an entry, and the wait in between.
const ATTEMPTS: u32 = 8;
const RETRY: Duration = Duration::from_millis(100);

/// After a stream could not be created: how long entries do not try again.
const REST: Duration = Duration::from_secs(5);

/// How many messages a page has at most.
const PAGE: usize = 1_000;

/// The wait before asking another replica for what a lagging one lacks.
const LAG: Duration = Duration::from_millis(5);

/// How many messages a query looks at first, and at most: each step looks at four times as many.
const PAGES: (u64, u64) = (256, 16_384);

/// How long a query or a flush may take.
const BOUND: Duration = Duration::from_secs(30);

pub(crate) struct Trail {
    connection: Connection,
    setup: Setup,
    stream: OnceCell<()>,
    /// When the last attempt to create the stream failed, and why.
    failed: Mutex<Option<(Instant, StoreError)>>,
    queue: OnceLock<mpsc::Sender<Job>>,
    dropped: AtomicU64,
}

enum Job {
    Note(AuditEntry),
    /// Answers when everything before it is sent or dropped.
    Flush(oneshot::Sender<()>),
}

impl Trail {
    pub(crate) fn new(connection: Connection, setup: Setup) -> Self {
        Self {
            connection,
            setup,
            stream: OnceCell::new(),
            failed: Mutex::default(),
            queue: OnceLock::new(),
            dropped: AtomicU64::new(0),
        }
    }

    async fn ensure(&self) -> Result<(), StoreError> {
        let made = self.stream.get_or_try_init(async || self.create().await);
        made.await.copied()
    }

    /// As `ensure`, for an entry: while the stream cannot be created, not every entry asks the servers.
    async fn ensure_for_entry(&self) -> Result<(), StoreError> {
        if self.stream.initialized() {
            return Ok(());
        }
        let mut failed = self.failed.lock().await;
        if let Some((_, error)) = failed.as_ref().filter(|(at, _)| at.elapsed() < REST) {
            return Err(error.clone());
        }
        let ensured = self.ensure().await;
        let lasting = ensured.clone().err();
        let lasting = lasting.filter(|error| !matches!(error, StoreError::Unavailable { .. }));
        *failed = lasting.map(|error| (Instant::now(), error));
        ensured
    }

    async fn create(&self) -> Result<(), StoreError> {
        let (age, bytes) = (self.setup.audit_max_age, self.setup.audit_max_bytes);
        if let Some(info) = self.connection.stream_info(STREAM).await? {
            return drift(&self.setup, &info.config).check(STREAM);
        }
        if !self.setup.create {
            return Err(drifted(
                STREAM,
                format!(
                    "there is no JetStream stream of this name, and this store may not create one; run `nats stream add \
                     {STREAM} --subjects '{SUBJECTS}.>' --defaults --allow-direct --storage {} --replicas {} --max-age {}s \
                     --max-bytes {bytes}`, or set `without_audit`",
                    storage(self.setup.storage),
                    self.setup.replicas.unwrap_or(1),
                    age.as_secs()
                ),
            ));
        }
        let config = Config {
            name: STREAM.into(),
            description: Some("How the commands of eventmodel ended".into()),
            subjects: vec![format!("{SUBJECTS}.>")],
            storage: self.setup.storage,
            num_replicas: self.setup.replicas.unwrap_or(1),
            max_age: age,
            max_bytes: bytes,
            discard: DiscardPolicy::Old,
            allow_direct: true,
            ..Config::default()
        };
        let created = self.connection.create_stream(&config).await;
        // The servers reserve the bytes at once.
        created.map_err(|failure| match StoreError::from(failure) {
            StoreError::Full { reason } => StoreError::Full {
                reason: format!("{reason}; or set a lower `audit_max_bytes`, which is {bytes}"),
            },
            error => error,
        })
    }

    async fn send(&self, entry: &AuditEntry) {
        let id = Uuid::now_v7().simple().to_string();
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(RETRY * attempt).await;
            }
            match self.publish(entry, &id).await {
                Ok(()) => return,
                Err(error) if error.is_retryable() => last = Some(error),
                Err(error) => {
                    last = Some(error);
                    break;
                }
            }
        }
        self.drop_entry(entry, &last.map_or_else(String::new, |e| e.to_string()));
    }

    async fn publish(&self, entry: &AuditEntry, id: &str) -> Result<(), StoreError> {
        self.ensure_for_entry().await?;
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, id);
        let payload = serde_json::to_vec(entry).map_err(StoreError::failed)?;
        let subject = format!("{SUBJECTS}.{}", entry.command);
        let sent = self
            .connection
            .publish(STREAM, &subject, headers, payload.into());
        sent.await.map(drop).map_err(Failure::into)
    }

    fn drop_entry(&self, entry: &AuditEntry, reason: &str) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        let (command, id) = (&entry.command, &entry.id);
        limited!(ERROR, "dropping an entry of the audit trail", %command, %id, dropped, reason);
    }

    /// The entries with sequences from `first` to `last`, in order.
    async fn page(
        &self,
        filter: &str,
        (first, last): (u64, u64),
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut entries = Vec::new();
        let mut next = first;
        loop {
            let mut page = Page::ask(&self.connection, STREAM, filter, next, PAGE).await?;
            let mut pending = 0;
            while let Some(paged) = page.next().await? {
                if paged.sequence > last {
                    return Ok(entries);
                }
                let entry = serde_json::from_slice(&paged.message.payload);
                entries.push(entry.map_err(|error| {
                    let sequence = paged.sequence;
                    StoreError::failed(format!("message {sequence} of `{STREAM}`: {error}"))
                })?);
                (next, pending) = (paged.sequence + 1, paged.pending);
            }
            if pending == 0 {
                // A lagging replica has fewer than the leader.
                match self.next_sequence(filter, next).await? {
                    Some(sequence) if sequence <= last => tokio::time::sleep(LAG).await,
                    _ => return Ok(entries),
                }
            }
        }
    }

    /// The leader's sequence of the next entry from `from` on.
    async fn next_sequence(&self, filter: &str, from: u64) -> Result<Option<u64>, StoreError> {
        let stream = self.connection.jetstream.get_stream_no_info(STREAM).await;
        let stream = stream.map_err(StoreError::failed)?;
        let next = stream.raw_message_builder().sequence(from);
        let next = next.next_by_subject(filter.to_owned()).send();
        let next = self.connection.leader_said(STREAM, next).await?;
        Ok(next.map(|next| next.sequence))
    }

    async fn find(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.ensure().await?;
        let limit = query.limit.unwrap_or(usize::MAX);
        let filter = match &query.command {
            // No command has such a name.
            Some(name) if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                return Ok(Vec::new());
            }
            Some(name) => format!("{SUBJECTS}.{name}"),
            None => format!("{SUBJECTS}.>"),
        };
        let Some(info) = self.connection.stream_info(STREAM).await? else {
            return Ok(Vec::new());
        };
        let (oldest, mut last) = (info.state.first_seq.max(1), info.state.last_seq);
        let mut found = Vec::new();
        let mut size = PAGES.0;
        while last >= oldest && found.len() < limit {
            let first = last.saturating_sub(size - 1).max(oldest);
            let page = self.page(&filter, (first, last)).await?;
            // The store writes an entry about when its command ended.
            let slack = Duration::from_secs(120);
            let is_past = query.since.is_some_and(|since| {
                page.first()
                    .is_some_and(|entry| entry.time.saturating_add(slack).is_ok_and(|t| t < since))
            });
            found.extend(page.into_iter().rev().filter(|entry| query.matches(entry)));
            if is_past {
                break;
            }
            last = first - 1;
            size = (size * 4).min(PAGES.1);
        }
        // Entries travel at the same time, so JetStream may store neighbours in another order.
        found.sort_by_key(|entry| std::cmp::Reverse(entry.time));
        found.truncate(limit);
        Ok(found)
    }
}

/// The audit trail of a store.
#[derive(Clone)]
pub(crate) struct NatsAudit(pub(crate) std::sync::Arc<Trail>);

impl NatsAudit {
    fn queue(&self) -> &mpsc::Sender<Job> {
        self.0.queue.get_or_init(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            let trail = self.0.clone();
            // The task ends when the last `NatsAudit` is dropped.
            let weak = std::sync::Arc::downgrade(&trail);
            tokio::spawn(async move {
                let jobs = tokio_stream::wrappers::ReceiverStream::new(jobs);
                let sending = jobs.map(|job| {
                    let trail = weak.upgrade();
                    async move {
                        match (job, trail) {
                            (Job::Note(entry), Some(trail)) => {
                                trail.send(&entry).await;
                                None
                            }
                            (Job::Note(entry), None) => {
                                let (command, id) = (&entry.command, &entry.id);
                                limited!(ERROR, "the store is gone: dropping an entry of the audit trail", %command, %id);
                                None
                            }
                            (Job::Flush(done), _) => Some(done),
                        }
                    }
                });
                let mut sent = std::pin::pin!(sending.buffered(IN_FLIGHT));
                while let Some(done) = sent.next().await {
                    // The receiver may have given up.
                    let _ = done.map(|done| done.send(()));
                }
            });
            queue
        })
    }
}

#[async_trait]
impl AuditTrail for NatsAudit {
    fn record(&self, entry: AuditEntry) {
        use mpsc::error::TrySendError::{Closed, Full};
        if let Err(Full(Job::Note(entry)) | Closed(Job::Note(entry))) =
            self.queue().try_send(Job::Note(entry))
        {
            self.0.drop_entry(&entry, "too many wait to be sent");
        }
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let found = timeout(BOUND, self.0.find(query)).await;
        found.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                reason: format!(
                    "the audit trail was not read within {BOUND:?}: ask for a command, a time or a limit"
                ),
            })
        })
    }

    async fn flush(&self) {
        let Some(queue) = self.0.queue.get() else {
            return;
        };
        let (done, sent) = oneshot::channel();
        let flushed = timeout(BOUND, async {
            let _ = queue.send(Job::Flush(done)).await;
            let _ = sent.await;
        });
        if flushed.await.is_err() {
            tracing::error!("the audit trail still has entries to send");
        }
    }
}

impl fmt::Debug for NatsAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.0.dropped.load(Ordering::Relaxed);
        f.debug_struct("NatsAudit")
            .field("dropped", &dropped)
            .finish_non_exhaustive()
    }
}

/// The settings of the stream of the trail.
fn drift(setup: &Setup, config: &Config) -> Drift {
    let (age, bytes) = (setup.audit_max_age, setup.audit_max_bytes);
    let replicas = setup.replicas.unwrap_or(config.num_replicas);
    let missing = misses(config, &[format!("{SUBJECTS}.>")]);
    let subjects = config.subjects.join(",");
    let wanted = [&config.subjects[..], &missing[..]].concat().join(",");
    let settings = settings! {
        "retention", config.retention == RetentionPolicy::Limits, format!("{:?}", config.retention) =>
            "Limits: whoever reads an entry leaves it there";
        "storage", config.storage == setup.storage, storage(config.storage) => storage(setup.storage);
        "sealed", !config.sealed, true => false;
        // A mirror has no subjects of its own.
        "mirror", config.mirror.is_none(), "set" => "none", "--no-mirror";
        "subjects", missing.is_empty(), format!("`{subjects}`") => format!("`{wanted}`"),
            format!("--subjects '{wanted}'");
        "discard", config.discard == DiscardPolicy::Old, "new" => "old: a trail that is full goes on", "--discard old";
        "allow_direct", config.allow_direct, false => "true: direct gets read the trail", "--allow-direct";
        "max_age", config.max_age == age, format!("{:?}", config.max_age) => format!("{age:?} (`audit_max_age`)"),
            format!("--max-age {}s", age.as_secs());
        "max_bytes", config.max_bytes == bytes, config.max_bytes => format!("{bytes} (`audit_max_bytes`)"),
            format!("--max-bytes {bytes}");
        "no_ack", !config.no_ack, true => false, "--ack";
        "num_replicas", config.num_replicas == replicas, config.num_replicas => replicas,
            format!("--replicas {replicas}");
    };
    Drift {
        of: String::new(),
        settings,
        edit: format!("nats stream edit {STREAM}"),
        renew: format!(
            "a JetStream stream keeps this for good: keep a copy with `nats stream backup {STREAM} <folder>`, and run \
             `nats stream rm {STREAM}`; the store makes it anew"
        ),
    }
}
