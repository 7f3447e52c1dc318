//! The connection to the servers: requests that end in time, and what happens to the connection.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::jetstream::Context;
use async_nats::{Client, HeaderMap, Message, Request};
use bytes::Bytes;
use eventmodel::{__limited as limited, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout_at};

use super::defects::Defects;
use super::refusal::Refusal;
use crate::sync::locked;

/// How many connection events a listener may be behind before it misses the oldest.
const EVENTS: usize = 256;

/// The wait before asking again while no replica leads.
pub(crate) const ELECTION: Duration = Duration::from_millis(50);

/// How long to wait for a leader, in time-outs of an answer: an election takes up to 9 seconds.
const PATIENCE: u32 = 2;

/// Something that happened to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// Connected, or connected again.
    Connected,
    /// The connection is lost. The client reconnects by itself.
    Disconnected,
    /// The server is about to stop: the client moves to another one.
    LameDuck,
    /// The server or this process cannot keep up with a subscription. The store reads again what was dropped.
    SlowConsumer,
    /// The server refused a publish or a subscription. A request that needs it times out.
    PermissionDenied {
        /// What the server said.
        message: String,
    },
    /// The server refused something else.
    ServerError {
        /// What it said.
        message: String,
    },
    /// The client failed.
    ClientError {
        /// What happened.
        message: String,
    },
    /// The connection is closed for good.
    Closed,
}

impl ConnectionEvent {
    pub(crate) fn from_client(event: async_nats::Event) -> Option<Self> {
        use async_nats::{Event, ServerError};
        Some(match event {
            Event::Connected => Self::Connected,
            Event::Disconnected => Self::Disconnected,
            Event::LameDuckMode => Self::LameDuck,
            Event::Draining => return None,
            Event::Closed => Self::Closed,
            Event::SlowConsumer(_) | Event::ServerError(ServerError::SlowConsumer(_)) => {
                Self::SlowConsumer
            }
            Event::ServerError(ServerError::AuthorizationViolation) => Self::PermissionDenied {
                message: "authorization violation".into(),
            },
            Event::ServerError(ServerError::Other(message)) => {
                if message.to_lowercase().contains("permissions violation") {
                    Self::PermissionDenied { message }
                } else {
                    Self::ServerError { message }
                }
            }
            Event::ClientError(error) => Self::ClientError {
                message: error.to_string(),
            },
        })
    }
}

/// What has happened to a connection: listeners hear it, and the last refusal explains the next time-out.
pub(crate) struct Events {
    sender: broadcast::Sender<ConnectionEvent>,
    denied: Mutex<Option<String>>,
    losses: AtomicU64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(EVENTS),
            denied: Mutex::default(),
            losses: AtomicU64::default(),
        }
    }
}

impl Events {
    pub(crate) fn happened(&self, event: ConnectionEvent) {
        match &event {
            ConnectionEvent::Connected => limited!(INFO, "connected to NATS"),
            ConnectionEvent::Disconnected => {
                self.losses.fetch_add(1, Ordering::Relaxed);
                limited!(WARN, "the connection to NATS is lost");
            }
            ConnectionEvent::PermissionDenied { message } => {
                limited!(ERROR, "NATS denied a permission", %message);
                *self.denied() = Some(message.clone());
            }
            ConnectionEvent::ServerError { message } => {
                limited!(ERROR, "a server of NATS reports an error", %message);
            }
            // Each failed attempt to reconnect is one; the loss is already logged.
            ConnectionEvent::ClientError { .. } => tracing::debug!(?event, "NATS"),
            _ => limited!(WARN, "the connection to NATS", ?event),
        }
        // There may be no listener.
        let _ = self.sender.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<ConnectionEvent> {
        self.sender.subscribe()
    }

    /// How often the connection was lost.
    pub(crate) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// The last refusal, if it explains why a request to a subject with this prefix gets no answer: the client may not
    /// send it, or may not receive an answer in an inbox with this prefix.
    fn denied_for(&self, subject: &str, inbox: &str) -> Option<String> {
        let denied = self.denied();
        let is_cause = |denied: &&String| {
            let is_subscription = denied.contains("Subscription to ");
            let needed = if is_subscription { inbox } else { subject };
            denied.contains(&format!("\"{needed}"))
        };
        denied.as_ref().filter(is_cause).cloned()
    }

    fn denied(&self) -> MutexGuard<'_, Option<String>> {
        locked(&self.denied)
    }
}

/// Why a request has no good answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It may have had an effect.
    #[error("{0}")]
    NoAnswer(String),
    /// Nobody takes it: no effect.
    #[error(
        "nobody answers on `{0}`: the servers elect a leader, JetStream is off, or what it asks for is gone"
    )]
    NoResponders(String),
    /// It was never sent.
    #[error("{0}")]
    NotSent(String),
    /// The server refused it: no effect.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The place has no room for it: no effect.
    #[error("`{place}`: {refusal}; {room}")]
    Full {
        place: String,
        refusal: Refusal,
        room: &'static str,
    },
    /// The answer breaks the protocol.
    #[error("an answer of the server cannot be understood: {0}")]
    Odd(String),
}

impl Failure {
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_conflict())
    }

    /// Whether a leader may answer the same question later.
    fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::NoResponders(_) => true,
            Self::Refused(refusal) => refusal.is_temporary(),
            Self::NotSent(_) | Self::Full { .. } | Self::Odd(_) => false,
        }
    }

    /// A refusal of a server in this place: a stream, an endpoint of the API.
    pub(crate) fn refused(refusal: Refusal, place: &str) -> Self {
        match refusal.room() {
            Some(room) => Self::Full {
                place: place.to_owned(),
                refusal,
                room,
            },
            None => Self::Refused(refusal),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoAnswer(_) | Failure::NoResponders(_) | Failure::NotSent(_) => {
                StoreError::Unavailable {
                    reason: failure.to_string(),
                }
            }
            Failure::Full { .. } => StoreError::Full {
                reason: failure.to_string(),
            },
            Failure::Refused(refusal) if refusal.is_temporary() => StoreError::Unavailable {
                reason: refusal.to_string(),
            },
            other => StoreError::failed(other),
        }
    }
}

/// The connection that everything in a store shares.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// JetStream as the client library offers it: streams, consumers, buckets.
    pub(crate) jetstream: Context,
    /// `$JS.API`, or that of a domain or an import.
    pub(crate) api: Arc<str>,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// Whether the store reads messages by consumers, or by pages.
    pub(crate) creates_consumers: bool,
    pub(crate) events: Arc<Events>,
    /// The defects of servers that the store looks for.
    pub(crate) defects: Defects,
}

impl Connection {
    /// Sends a request, and waits for the answer.
    pub(crate) async fn request(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, Failure> {
        let mut request = Request::new().payload(payload).timeout(None);
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        let answer = self.client.send_request(subject.to_owned(), request);
        self.bounded(subject, answer)
            .await?
            .map_err(|error| match error.kind() {
                RequestErrorKind::NoResponders => Failure::NoResponders(subject.to_owned()),
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Failure::NotSent(error.to_string())
                }
                RequestErrorKind::TimedOut => Failure::NoAnswer(self.timed_out(subject)),
                RequestErrorKind::Other => {
                    Failure::NoAnswer(format!("the request to `{subject}` failed: {error}"))
                }
            })
    }

    /// Sends a message without waiting for an answer.
    pub(crate) async fn send(
        &self,
        subject: String,
        reply: Option<String>,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), Failure> {
        let api = subject.clone();
        let sent = match reply {
            None => {
                let sent = self.client.publish_with_headers(subject, headers, payload);
                self.bounded(&api, sent).await
            }
            Some(reply) => {
                let client = &self.client;
                let sent = client.publish_with_reply_and_headers(subject, reply, headers, payload);
                self.bounded(&api, sent).await
            }
        };
        sent?.map_err(|error| Failure::NotSent(error.to_string()))
    }

    /// Bounds the wait. The client's own time-outs begin only when it takes something to send, and it takes nothing
    /// while its queue is full because a server does not read.
    pub(crate) async fn bounded<T>(
        &self,
        subject: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let answer = tokio::time::timeout(self.timeout, answer).await;
        answer.map_err(|_| Failure::NoAnswer(self.timed_out(subject)))
    }

    /// Asks a leader something that changes nothing, again and again while there is none. Nobody ever answers a
    /// question sent between the end of the old leader and the moment the servers notice.
    pub(crate) async fn patiently<T, A: Future<Output = Result<T, Failure>>>(
        &self,
        api: &str,
        ask: impl Fn() -> A,
    ) -> Result<T, Failure> {
        let end = Instant::now() + PATIENCE * self.timeout;
        let mut asked = FuturesUnordered::new();
        let mut refused = None;
        loop {
            asked.push(ask());
            // A slow leader may still answer earlier questions.
            let again = end.min(Instant::now() + self.timeout / 5);
            match timeout_at(again, asked.next()).await {
                Ok(Some(Err(failure)))
                    if failure.may_pass()
                        && Instant::now() < end
                        && self.denied_for(api).is_none() =>
                {
                    refused = Some(failure);
                    sleep(ELECTION).await;
                }
                Ok(Some(answer)) => return answer,
                Ok(None) | Err(_) if Instant::now() < end => {}
                Ok(None) | Err(_) => {
                    let silent = || Failure::NoAnswer(self.timed_out(api));
                    return Err(refused.unwrap_or_else(silent));
                }
            }
        }
    }

    /// The last refusal, if it explains why a request to a subject with this prefix gets no answer.
    pub(crate) fn denied_for(&self, subject: &str) -> Option<String> {
        let mut inbox = self.client.new_inbox();
        // All inboxes of this client differ only in the last token.
        inbox.truncate(inbox.rfind('.').map_or(0, |dot| dot + 1));
        self.events.denied_for(subject, &inbox)
    }

    /// A time-out, and its likely cause.
    pub(crate) fn timed_out(&self, subject: &str) -> String {
        let timeout = self.timeout;
        let mut text = format!("no answer from `{subject}` within {timeout:?}");
        if self.client.connection_state() != async_nats::connection::State::Connected {
            text.push_str("; the connection is lost");
        }
        // A denied permission is no answer: the request times out, and the reason comes as an event.
        if let Some(denied) = self.denied_for(subject) {
            text.push_str("; the server has denied a permission: ");
            text.push_str(&denied);
        }
        text
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.client.connection_state())
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a request to this subject, with answers below `_INBOX_app`, is not answered after this refusal.
    fn told(refusal: &str, subject: &str) -> Option<String> {
        let events = Events::default();
        let message = refusal.to_owned();
        events.happened(ConnectionEvent::PermissionDenied { message });
        events.denied_for(subject, "_INBOX_app.")
    }

    #[test]
    fn a_refusal_is_told_for_the_requests_that_it_leaves_without_an_answer() {
        let publish = r#"Permissions Violation for Publish to "$JS.API.STREAM.INFO.hotel""#;
        let inbox = r#"Permissions Violation for Subscription to "_INBOX_app.x.*""#;
        let info = "$JS.API.STREAM.INFO.hotel";
        assert_eq!(told(publish, info).as_deref(), Some(publish));
        assert_eq!(told(publish, "booking.1"), None);
        for subject in [info, "booking.1"] {
            assert_eq!(told(inbox, subject).as_deref(), Some(inbox));
        }
    }

    #[test]
    fn a_refused_subscription_to_anything_but_an_inbox_is_told_for_no_request() {
        for subscribed in ["booking.*", "_INBOX.x.*", "_INBOX_app2.x.*"] {
            let refusal = format!("Permissions Violation for Subscription to \"{subscribed}\"");
            assert_eq!(told(&refusal, "booking."), None, "{refusal}");
        }
    }
}
