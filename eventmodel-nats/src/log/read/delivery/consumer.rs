//! By a consumer of this process, made again when anything goes wrong with it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{Delivered, Start};
use crate::connect::connection::Connection;

/// How many messages are asked for at a time.
const BATCH: usize = 1_000;

/// How long the server waits for a message before it is asked again.
const EXPIRES: Duration = Duration::from_secs(30);

/// How long a consumer outlives its reader.
const INACTIVE: Duration = Duration::from_secs(30);

pub(super) struct Consumer {
    connection: Connection,
    stream: Stream<()>,
    filter: Vec<String>,
    messages: Option<pull::Stream>,
    /// The consumer's own count, which has no gaps.
    delivered: u64,
    /// When the consumer was made, and how long it lasted.
    made: Instant,
    lasted: Duration,
}

impl Consumer {
    pub(super) fn new(connection: Connection, stream: Stream<()>, filter: Vec<String>) -> Self {
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

    /// Whether the consumer that failed last had been alive: one that is not is noticed after two heartbeats.
    pub(super) fn was_alive(&self) -> bool {
        self.lasted > heartbeat(&self.connection) * 3
    }

    pub(super) async fn next(&mut self, start: Start) -> Result<Delivered, String> {
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
                // What was dropped on the way is read again.
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

/// How often a server says that it is there while there is nothing to read: two that are missing are as long as an
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

/// What went wrong, and the permission that was denied, if that may be why.
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
