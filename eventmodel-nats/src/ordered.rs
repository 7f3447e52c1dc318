//! The messages of a JetStream stream in their order: a consumer of this process, made again when anything goes wrong
//! with it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;

/// How many messages are asked for at a time.
const BATCH: usize = 1_000;

/// How often a server says that it is there while there is nothing to read.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long the server waits for a message before it is asked again.
const EXPIRES: Duration = Duration::from_secs(30);

/// How long a consumer outlives its reader.
const INACTIVE: Duration = Duration::from_secs(30);

pub(crate) struct Ordered {
    stream: Stream<()>,
    filter: Vec<String>,
    messages: Option<pull::Stream>,
    /// The consumer's own count, which has no gaps.
    delivered: u64,
}

pub(crate) struct Delivered {
    pub(crate) message: async_nats::Message,
    pub(crate) sequence: u64,
    /// How many messages there are behind it, as the server knew when it sent it.
    pub(crate) pending: u64,
}

impl Ordered {
    /// Only messages on these subjects, or all.
    pub(crate) fn new(stream: Stream<()>, filter: Vec<String>) -> Self {
        Self {
            stream,
            filter,
            messages: None,
            delivered: 0,
        }
    }

    /// The next message. `start` says where a new consumer starts.
    ///
    /// # Errors
    /// What went wrong; the next call starts anew.
    pub(crate) async fn next(&mut self, start: DeliverPolicy) -> Result<Delivered, String> {
        let messages = match &mut self.messages {
            Some(messages) => messages,
            none => none.insert(connect(&self.stream, self.filter.clone(), start).await?),
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
        Err(problem)
    }
}

async fn connect(
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
    let consumer = stream.create_consumer(config).await;
    let consumer = consumer.map_err(|error| format!("no consumer can be made: {error}"))?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(BATCH)
        .heartbeat(HEARTBEAT)
        .expires(EXPIRES);
    let messages = messages.messages().await;
    messages.map_err(|error| format!("no consumer can be made: {error}"))
}
