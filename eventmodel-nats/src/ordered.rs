//! The messages of a JetStream stream in their order: a consumer of this process, made again when anything goes wrong
//! with it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::connection::Connection;

/// How many messages are asked for at a time.
const BATCH: usize = 1_000;

/// How long the server waits for a message before it is asked again.
const EXPIRES: Duration = Duration::from_secs(30);

/// How long a consumer outlives its reader.
const INACTIVE: Duration = Duration::from_secs(30);

pub(crate) struct Ordered {
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

pub(crate) struct Delivered {
    pub(crate) message: async_nats::Message,
    pub(crate) sequence: u64,
    /// How many messages there are behind it, as the server knew when it sent it.
    pub(crate) pending: u64,
}

impl Ordered {
    /// Only messages on these subjects, or all.
    pub(crate) fn new(connection: Connection, stream: Stream<()>, filter: Vec<String>) -> Self {
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
    pub(crate) fn was_alive(&self) -> bool {
        self.lasted > heartbeat(&self.connection) * 3
    }

    /// The next message. `start` says where a new consumer starts.
    ///
    /// # Errors
    /// What went wrong; the next call starts anew.
    pub(crate) async fn next(&mut self, start: DeliverPolicy) -> Result<Delivered, String> {
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
                    return Ok(Delivered {
                        message: message.split().0,
                        sequence,
                        pending,
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

/// What went wrong, and the permission that was denied, if that may be why.
fn with_denied(connection: &Connection, problem: String) -> String {
    match connection.denied_for(&api(connection)) {
        Some(denied) if !problem.contains(&denied) => {
            format!("{problem}; the server has denied a permission: {denied}")
        }
        _ => problem,
    }
}

async fn connect(
    connection: &Connection,
    stream: &Stream<()>,
    filter_subjects: Vec<String>,
    deliver_policy: DeliverPolicy,
) -> Result<pull::Stream, String> {
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
