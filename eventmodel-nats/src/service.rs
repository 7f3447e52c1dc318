//! Commands over NATS: request and reply, shared by all processes that serve them, found by `nats micro`.
//!
//! It does not use the service module of the client library: that answers errors without a body, and when it stops it
//! drops its subscriptions together with the requests on their way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eventmodel::App;
use eventmodel::record::Subject;
use eventmodel::transport::Exchange;
use eventmodel::transport::Problem;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::NatsStore;
use crate::connect::connection::{Connection, ConnectionEvent, Failure};

mod answer;
mod discovery;
mod endpoint;
mod error;

use answer::{Guarded, Handler};
use discovery::Identity;
use endpoint::{Barrier, Endpoint};
pub use error::{NotStopped, ServeError};

/// Serves the commands of an app over NATS.
///
/// Each command that an actor may send has a subject, `<model>.command.<command>`, under which all processes share the
/// requests. Body, headers and answers are those of the HTTP adapter: the request is `{"data": {...}, "correlationId"?:
/// ".."}`, the reply is a receipt, or a problem document with the headers `Nats-Service-Error-Code` (the status) and
/// `Nats-Service-Error` (the title).
///
/// | header of a request | says |
/// |---|---|
/// | `Idempotency-Key` | the id of the command: sent again, it gives the stored receipt again |
/// | `If-Match: <ETag of a receipt>`, `If-None-Match: *` | only if the instance has this revision, or has no event |
/// | `X-Correlation-Id`, `X-Causation-Id` | what all that follows has in common, and what caused it |
/// | `traceparent` | the trace that the events become a part of |
///
/// ```text
/// $ nats request hotel-booking.command.book-room '{"data": {"room": {"id": 1}, "client": {"id": 1}, "date": "2022-12-12"}}'
/// $ nats micro info hotel-booking
/// ```
///
/// If an answer is too large for one message, the service sends less: a receipt without payloads, then without events,
/// and last only headers. The member `omitted` says what is missing.
///
/// The service also executes a request without a reply subject; it only logs a failure. A request without an answer may
/// have been executed: send it again with the same `Idempotency-Key`.
///
/// ```no_run
/// # async fn example(app: eventmodel::App, store: eventmodel_nats::NatsStore) -> Result<(), Box<dyn std::error::Error>> {
/// use eventmodel_nats::NatsCommands;
///
/// let commands = NatsCommands::new(app.clone()).serve(&store).await?;
/// # let told_to_stop = async {};
/// told_to_stop.await;
/// commands.stop().await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is served before `serve`"]
pub struct NatsCommands {
    app: App,
    prefix: Option<String>,
    queue_group: String,
    version: String,
    problem_types: Arc<str>,
    in_hand: usize,
    timeout: Duration,
    drain_within: Duration,
}

impl NatsCommands {
    /// With the defaults.
    pub fn new(app: App) -> Self {
        Self {
            app,
            prefix: None,
            queue_group: "q".into(),
            version: "0.1.0".into(),
            problem_types: Problem::DEFAULT_BASE.into(),
            in_hand: 1000,
            timeout: Duration::from_secs(30),
            drain_within: Duration::from_secs(10),
        }
    }

    /// The prefix of the subjects: `<prefix>.<model>.command.<command>`. *Default:* none.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The queue group that shares the requests. *Default:* `q`, as for all services of NATS.
    pub fn queue_group(mut self, group: impl Into<String>) -> Self {
        self.queue_group = group.into();
        self
    }

    /// The version of the service that `nats micro` shows, `major.minor.patch`. *Default:* `0.1.0`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The base of the types of problems, as in the HTTP adapter. *Default:* `/problems`.
    pub fn problem_types(mut self, base: &str) -> Self {
        self.problem_types = base.trim_end_matches('/').into();
        self
    }

    /// How many requests this process has in hand at the same time; it answers one more with a 503 at once. *Default:*
    /// 1,000.
    pub fn max_in_hand(mut self, requests: usize) -> Self {
        self.in_hand = requests.min(Semaphore::MAX_PERMITS);
        self
    }

    /// After how long the service answers a command with a 503; the command goes on, and may be committed. *Default:*
    /// 30 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long [`ServedCommands::stop`] waits for requests in hand. *Default:* 10 seconds.
    pub fn drain_within(mut self, wait: Duration) -> Self {
        self.drain_within = wait;
        self
    }

    /// Starts to serve: when this returns, the server has taken the subscriptions.
    ///
    /// # Errors
    /// [`ServeError`] if a name cannot be a subject, a log takes the subject of a command, or the server refuses.
    pub async fn serve(self, store: &NatsStore) -> Result<ServedCommands, ServeError> {
        let connection = store.connection().clone();
        let identity = Identity::new(&self.app, self.version)?;
        let endpoints = endpoints(&self.app, self.prefix.as_deref(), &self.queue_group)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        // If anything below fails, its drop ends what has begun.
        let guard = stop.clone().drop_guard();
        let mut told = connection.events.subscribe();
        let guarded = Guarded::new(&self.app, &connection);
        let handler = Arc::new(Handler {
            guarded: guarded.clone(),
            exchange: Exchange::new(self.app, tasks.clone()),
            client: connection.client.clone(),
            problem_types: self.problem_types,
            in_hand: Arc::new(Semaphore::new(self.in_hand)),
            timeout: self.timeout,
            tasks: tasks.clone(),
        });
        let ping: Arc<str> = identity.subject("PING").into();
        // While an endpoint needs it, this process answers discovery.
        let found = CancellationToken::new();
        let barrier = Barrier {
            connection: connection.clone(),
            subject: ping.clone(),
            _answering: Arc::new(found.clone().drop_guard()),
        };
        for endpoint in endpoints.iter() {
            let (subject, group) = (endpoint.subject.clone(), endpoint.queue_group.clone());
            let requests = connection.client.queue_subscribe(subject, group).await;
            let requests = requests.map_err(|error| ServeError::closed(&error))?;
            let (endpoint, handler) = (endpoint.clone(), handler.clone());
            let take = move |request| handler.take(&endpoint, request);
            let (stop, barrier) = (stop.clone(), barrier.clone());
            tasks.spawn(endpoint::serve(requests, take, stop, barrier));
        }
        let stopped = stop.clone();
        tasks.spawn(async move {
            stopped.cancelled().await;
            drop(barrier);
        });
        let found = discovery::serve(&connection, identity, endpoints.clone(), guarded, found);
        tasks.spawn(found.await?);
        confirm(&connection, &ping, &mut told).await?;
        Ok(ServedCommands {
            endpoints,
            connection,
            ping,
            tasks,
            drain_within: self.drain_within,
            stop: guard,
        })
    }
}

/// Served commands. When dropped, they take no more requests, and answer those in hand as long as the process lives;
/// [`stop`](Self::stop) waits for that.
#[derive(Debug)]
#[must_use = "dropped, it serves no longer"]
pub struct ServedCommands {
    endpoints: Arc<[Arc<Endpoint>]>,
    connection: Connection,
    ping: Arc<str>,
    tasks: TaskTracker,
    drain_within: Duration,
    stop: DropGuard,
}

impl ServedCommands {
    /// The subjects of the commands.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(|endpoint| &*endpoint.subject)
    }

    /// Takes no more requests, and answers those in hand and on their way. Shut the app down after it.
    ///
    /// A request that the server has given to this process gets its answer. In a cluster, a request on its way between
    /// two servers may get none: its sender sends it again.
    ///
    /// # Errors
    /// [`NotStopped`] if that takes too long or the connection is lost: some requests may get no answer. The app
    /// executes every command that has begun.
    pub async fn stop(self) -> Result<(), NotStopped> {
        drop(self.stop);
        self.tasks.close();
        let answered = async {
            self.tasks.wait().await;
            // Nobody listens there any more; the server says so after it has taken the last answers.
            let request = self.connection.request(&self.ping, None, Bytes::new());
            request.await
        };
        match tokio::time::timeout(self.drain_within, answered).await {
            Ok(Ok(_) | Err(Failure::NoResponders(_))) => Ok(()),
            Ok(Err(failure)) => Err(NotStopped::Connection(failure.to_string())),
            Err(_) => Err(NotStopped::TimedOut {
                unfinished: self.tasks.len(),
            }),
        }
    }
}

fn endpoints(
    app: &App,
    prefix: Option<&str>,
    queue_group: &str,
) -> Result<Arc<[Arc<Endpoint>]>, ServeError> {
    let model = app.model();
    let prefix = prefix.map_or_else(String::new, |prefix| format!("{prefix}."));
    let commands = model.commands().into_iter();
    let endpoint = |entry: eventmodel::board::CommandEntry| {
        let name = entry.info().address();
        let text = format!("{prefix}{}.command.{name}", model.name());
        let subject = Subject::new(&text).map_err(|error| ServeError::Subject {
            subject: text.clone(),
            reason: error.to_string(),
        })?;
        for log in model.logs() {
            if log.subjects.iter().any(|taken| taken.matches(&subject)) {
                let log = log.name;
                return Err(ServeError::Taken { subject: text, log });
            }
        }
        Ok(Arc::new(Endpoint::new(entry, name, text, queue_group)))
    };
    let offered = commands.filter(|entry| !entry.is_internal());
    offered.map(endpoint).collect()
}

/// The server takes subscriptions in order, and reports a refused one beside the answers: its answer to a later request
/// means that it has taken all of them.
async fn confirm(
    connection: &Connection,
    ping: &str,
    told: &mut broadcast::Receiver<ConnectionEvent>,
) -> Result<(), ServeError> {
    let answer = connection.request(ping, None, Bytes::new()).await;
    while let Ok(event) = told.try_recv() {
        if let ConnectionEvent::PermissionDenied { message } = event {
            return Err(ServeError::Denied { message });
        }
    }
    match answer {
        Ok(_) => Ok(()),
        Err(failure @ (Failure::NoAnswer(_) | Failure::NoResponders(_))) => {
            Err(ServeError::NotServed {
                reason: failure.to_string(),
            })
        }
        Err(failure) => Err(ServeError::closed(&failure)),
    }
}
