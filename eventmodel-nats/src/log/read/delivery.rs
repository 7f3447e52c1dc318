//! The messages of any JetStream stream in order, until something fails: by a consumer of this process, which hears of
//! each at once, or by pages, which need no right to create one.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep};

use crate::connect::connection::{Connection, Failure};
use crate::connect::direct_get::{Page, text};

pub(crate) struct Delivery(Way);

enum Way {
    Consumer(Box<Consumer>),
    Pages(Box<Pages>),
}

/// Where to start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// At the newest message of each subject. Pages start at the oldest existing message.
    LastPerSubject,
    /// At this sequence, or the next one that has a message.
    At(u64),
}

pub(crate) struct Delivered {
    pub(crate) subject: async_nats::Subject,
    pub(crate) sequence: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// How many messages follow it, as the server knew when it sent it.
    pub(crate) pending: u64,
    /// Whether it is the first one after `start`.
    pub(crate) is_first: bool,
}

impl Delivery {
    /// Delivers messages on these subjects, or all. Pages deliver all if there are several subjects.
    pub(crate) fn new(
        connection: Connection,
        name: String,
        stream: Stream<()>,
        filter: Vec<String>,
    ) -> Self {
        Self(if connection.creates_consumers {
            Way::Consumer(Box::new(Consumer::new(connection, stream, filter)))
        } else {
            Way::Pages(Box::new(Pages::new(connection, name, &filter)))
        })
    }

    /// Whether all was well before the last failure, so that it is the first one.
    pub(crate) fn was_alive(&self) -> bool {
        match &self.0 {
            Way::Consumer(consumer) => consumer.was_alive(),
            Way::Pages(pages) => pages.was_alive,
        }
    }

    /// The next message; none if nothing came for a while: time to verify the stream. `start` says where to start again
    /// after a failure.
    ///
    /// # Errors
    /// What went wrong. The next call starts again.
    pub(crate) async fn next(&mut self, start: Start) -> Result<Option<Delivered>, String> {
        match &mut self.0 {
            Way::Consumer(consumer) => consumer.next(start).await.map(Some),
            Way::Pages(pages) => pages.next(start).await,
        }
    }
}

/// How many messages to request at a time.
const BATCH: usize = 1_000;

/// How long one request waits for a message.
const EXPIRES: Duration = Duration::from_secs(30);

/// How long a consumer outlives its reader.
const INACTIVE: Duration = Duration::from_secs(30);

/// A consumer of this process, replaced when anything goes wrong with it.
struct Consumer {
    connection: Connection,
    stream: Stream<()>,
    filter: Vec<String>,
    messages: Option<pull::Stream>,
    /// The consumer's own count, which has no gaps.
    delivered: u64,
    /// When the consumer was created, and how long the last one lasted.
    made: Instant,
    lasted: Duration,
}

impl Consumer {
    fn new(connection: Connection, stream: Stream<()>, filter: Vec<String>) -> Self {
        Self {
            connection,
            stream,
            filter,
            messages: None,
            delivered: 0,
            made: Instant::now(),
            lasted: Duration::ZERO,
        }
    }

    /// Whether the last failed consumer had been alive: two heartbeats reveal a dead one.
    fn was_alive(&self) -> bool {
        self.lasted > heartbeat(&self.connection) * 3
    }

    async fn next(&mut self, start: Start) -> Result<Delivered, String> {
        let messages = match &mut self.messages {
            Some(messages) => messages,
            none => {
                self.lasted = Duration::ZERO;
                let made = connect(&self.connection, &self.stream, self.filter.clone(), start);
                let made = made.await.map_err(|problem| {
                    with_denied(
                        &self.connection,
                        format!("no consumer can be made: {problem}"),
                    )
                })?;
                self.made = Instant::now();
                none.insert(made)
            }
        };
        let problem = match messages.next().await {
            Some(Ok(message)) => {
                let info = message.info().map_err(|error| error.to_string())?;
                let (sequence, pending) = (info.stream_sequence, info.pending);
                if info.consumer_sequence == self.delivered + 1 {
                    self.delivered += 1;
                    let message = message.split().0;
                    return Ok(Delivered {
                        subject: message.subject,
                        sequence,
                        headers: message.headers.unwrap_or_default(),
                        payload: message.payload,
                        pending,
                        is_first: self.delivered == 1,
                    });
                }
                // The next consumer reads again what was dropped.
                format!("message {} of the consumer is missing", self.delivered + 1)
            }
            Some(Err(error)) => error.to_string(),
            None => "the consumer ended".into(),
        };
        self.messages = None;
        self.delivered = 0;
        self.lasted = self.made.elapsed();
        Err(with_denied(&self.connection, problem))
    }
}

/// How often a server says that it lives while there is nothing to read: two missing heartbeats are as long as an
/// answer may take.
fn heartbeat(connection: &Connection) -> Duration {
    connection.timeout.min(EXPIRES) / 2
}

fn api(connection: &Connection) -> String {
    format!("{}.CONSUMER.", connection.api)
}

/// What to do about it.
const WITHOUT: &str =
    "; a store that may create no consumers is built with `NatsStoreBuilder::without_consumers`";

/// What went wrong, with the denied permission that may be the cause.
fn with_denied(connection: &Connection, problem: String) -> String {
    match connection.denied_for(&api(connection)) {
        Some(denied) if !problem.contains(&denied) => {
            format!("{problem}; the server has denied a permission: {denied}{WITHOUT}")
        }
        Some(_) => problem + WITHOUT,
        None => problem,
    }
}

async fn connect(
    connection: &Connection,
    stream: &Stream<()>,
    filter_subjects: Vec<String>,
    start: Start,
) -> Result<pull::Stream, String> {
    let deliver_policy = match start {
        Start::LastPerSubject => DeliverPolicy::LastPerSubject,
        Start::At(start_sequence) => DeliverPolicy::ByStartSequence { start_sequence },
    };
    let config = pull::Config {
        deliver_policy,
        ack_policy: AckPolicy::None,
        max_deliver: 1,
        filter_subjects,
        inactive_threshold: INACTIVE,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let made = async {
        let consumer = stream.create_consumer(config).await;
        let consumer = consumer.map_err(|error| error.to_string())?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .heartbeat(heartbeat(connection))
            .expires(EXPIRES);
        messages.messages().await.map_err(|error| error.to_string())
    };
    let made = connection.bounded(&api(connection), made).await;
    made.map_err(|error| error.to_string()).flatten()
}

/// How many messages a page has at most.
const PAGE: usize = 1_000;

/// The wait before asking again when there was nothing new, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Pages, for a role that may create no consumer.
///
/// Nobody announces a new message, so it asks any replica again and again: often while messages come, seldom while none
/// do. A lagging replica shows fewer messages; it never leaves one out.
struct Pages {
    connection: Connection,
    stream: String,
    filter: String,
    page: Option<Page>,
    /// Whether the page has delivered no message yet.
    is_new: bool,
    /// The sequence of the newest delivered message.
    newest: u64,
    pause: Duration,
    quiet_since: Instant,
    /// Whether a replica has answered since the last failure, and before it.
    is_alive: bool,
    was_alive: bool,
}

impl Pages {
    fn new(connection: Connection, stream: String, filter: &[String]) -> Self {
        Self {
            connection,
            stream,
            // A page takes one pattern only.
            filter: match filter {
                [one] => one.clone(),
                _ => ">".into(),
            },
            page: None,
            is_new: false,
            newest: 0,
            pause: Duration::ZERO,
            quiet_since: Instant::now(),
            is_alive: false,
            was_alive: false,
        }
    }

    async fn next(&mut self, start: Start) -> Result<Option<Delivered>, String> {
        let next = self.try_next(start).await;
        next.map_err(|failure| {
            self.page = None;
            self.was_alive = std::mem::take(&mut self.is_alive);
            failure.to_string()
        })
    }

    async fn try_next(&mut self, start: Start) -> Result<Option<Delivered>, Failure> {
        loop {
            let page = match &mut self.page {
                Some(page) => page,
                none => {
                    if self.quiet_since.elapsed() > self.connection.timeout {
                        self.quiet_since = Instant::now();
                        return Ok(None);
                    }
                    sleep(self.pause).await;
                    let from = match start {
                        Start::LastPerSubject => 1,
                        Start::At(sequence) => sequence,
                    };
                    // Until there is something new.
                    self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
                    let page = Page::ask(&self.connection, &self.stream, &self.filter, from, PAGE);
                    self.is_new = true;
                    none.insert(page.await?)
                }
            };
            let paged = page.next().await?;
            self.is_alive = true;
            let Some(paged) = paged else {
                self.page = None;
                continue;
            };
            if paged.sequence > self.newest {
                self.newest = paged.sequence;
                self.quiet_since = Instant::now();
                self.pause = match paged.pending {
                    0 => PAUSE.0,
                    _ => Duration::ZERO,
                };
            }
            let headers = paged.message.headers.unwrap_or_default();
            return Ok(Some(Delivered {
                subject: text(&headers, "Nats-Subject")?.into(),
                sequence: paged.sequence,
                headers,
                payload: paged.message.payload,
                pending: paged.pending,
                is_first: std::mem::take(&mut self.is_new),
            }));
        }
    }
}
