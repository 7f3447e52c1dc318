//! Reading a log in its order: an ordered consumer, made again where it stopped when anything goes wrong with it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use eventmodel::store::Read;
use eventmodel::{Position, RecordedEvent, StoreError, SubjectPattern};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::drift::disjoint;
use crate::get::{Source, subject};
use crate::log::Log;
use crate::message::{Kind, Stored};

/// How many messages are asked for at a time.
const BATCH: usize = 1_000;

/// How often a server says that it is there while there is nothing to read.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long the server waits for a message before it is asked again.
const EXPIRES: Duration = Duration::from_secs(30);

/// How long a consumer outlives its reader.
const INACTIVE: Duration = Duration::from_secs(30);

/// Between two attempts to make a consumer.
const RETRY: Duration = Duration::from_millis(50);

/// Reads a log.
pub(crate) fn read(
    log: Arc<Log>,
    read: Read,
) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
    let reader = Reader {
        log,
        filter: disjoint(&read.subjects),
        patterns: read.subjects,
        after: read.after,
        sequence: read.after.get(),
        follow: read.follow,
        until: None,
        messages: None,
        delivered: 0,
        failing: None,
    };
    futures_util::stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(event)) => Some((Ok(event), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Reader {
    log: Arc<Log>,
    /// What the server filters by; `None` if it cannot.
    filter: Option<Vec<String>>,
    patterns: Vec<SubjectPattern>,
    /// The position of the last event that was given.
    after: Position,
    /// The sequence of the last message that was read.
    sequence: u64,
    follow: bool,
    /// The sequence of the last message to read, if the end is not followed.
    until: Option<u64>,
    messages: Option<pull::Stream>,
    /// The consumer's own count, which has no gaps.
    delivered: u64,
    /// When it began to fail, and when it failed last.
    failing: Option<(Instant, Instant)>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<RecordedEvent>, StoreError> {
        if !self.follow && self.until.is_none() {
            self.until = Some(self.end().await?);
        }
        loop {
            if self.until.is_some_and(|until| self.sequence >= until) {
                return Ok(None);
            }
            let Some(message) = self.message().await? else {
                continue;
            };
            self.sequence = message.sequence;
            if message.kind()? == Kind::Event && !self.is_wanted(&message) {
                continue;
            }
            if let Some(event) = self.event(&message)? {
                self.after = event.position();
                return Ok(Some(event));
            }
        }
    }

    /// An event without copies can be judged by its subject.
    fn is_wanted(&self, message: &Stored) -> bool {
        self.patterns.is_empty() || self.fits(&message.subject)
    }

    fn fits(&self, subject: &eventmodel::Subject) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(subject))
    }

    /// The event of a message: given at the first of its subjects that is read.
    fn event(&self, message: &Stored) -> Result<Option<RecordedEvent>, StoreError> {
        if matches!(message.kind()?, Kind::Guard(_)) || message.position()? <= self.after {
            return Ok(None);
        }
        if self.patterns.is_empty() && message.kind()? != Kind::Event {
            return Ok(None);
        }
        let event = message.event()?;
        let mut subjects = event.metadata().subjects.iter();
        let first = if self.patterns.is_empty() {
            subjects.next()
        } else {
            subjects.find(|subject| self.fits(subject))
        };
        Ok((first == Some(&message.subject)).then_some(event))
    }

    /// The sequence of the last message that there is to read, as of now.
    async fn end(&self) -> Result<u64, StoreError> {
        let everything = vec![">".to_owned()];
        let filter = match &self.filter {
            Some(filter) if !filter.is_empty() => filter,
            _ => &everything,
        };
        let mut end = 0;
        for pattern in filter {
            let last = self.log.last(pattern, Source::Leader).await?;
            end = end.max(last.map_or(0, |last| last.sequence));
        }
        Ok(end)
    }

    /// The next message; none, if there has to be a new consumer first.
    async fn message(&mut self) -> Result<Option<Stored>, StoreError> {
        self.log.check()?;
        let Some(messages) = &mut self.messages else {
            return self.connect().await.map(|()| None);
        };
        let problem = match messages.next().await {
            Some(Ok(message)) => {
                let info = message.info().map_err(StoreError::failed)?;
                let (sequence, delivered) = (info.stream_sequence, info.consumer_sequence);
                if delivered == self.delivered + 1 {
                    self.delivered = delivered;
                    self.failing = None;
                    let (message, _) = message.split();
                    return Ok(Some(Stored {
                        subject: subject(&message.subject)?,
                        sequence,
                        headers: message.headers.unwrap_or_default(),
                        payload: message.payload,
                    }));
                }
                // What was dropped on the way is read again.
                format!("message {} of the consumer is missing", self.delivered + 1)
            }
            Some(Err(error)) => error.to_string(),
            None => "the consumer ended".into(),
        };
        tracing::debug!(log = %self.log.name, after = self.sequence, problem, "reading with a new consumer");
        self.messages = None;
        self.failed(problem).await?;
        // Another stream of the same name would go on at a wrong place.
        match self.log.verify().await {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(None),
        }
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: self.sequence + 1,
            },
            ack_policy: AckPolicy::None,
            max_deliver: 1,
            filter_subjects: self.filter.clone().unwrap_or_default(),
            inactive_threshold: INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let made = self.log.stream.create_consumer(config).await;
        let made = match made {
            Ok(consumer) => {
                let stream = consumer.stream();
                let stream = stream
                    .max_messages_per_batch(BATCH)
                    .heartbeat(HEARTBEAT)
                    .expires(EXPIRES);
                stream.messages().await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match made {
            Ok(messages) => {
                self.messages = Some(messages);
                self.delivered = 0;
                Ok(())
            }
            Err(problem) => {
                self.failed(format!("no consumer can be made: {problem}"))
                    .await?;
                Ok(())
            }
        }
    }

    /// Waits before another attempt; fails if it has not gone on for as long as an answer may take.
    async fn failed(&mut self, problem: String) -> Result<(), StoreError> {
        let (now, bound) = (Instant::now(), self.log.connection.timeout);
        // While there is nothing to read, nothing tells that it goes well again but that it does not fail.
        let recently = self.failing.filter(|(_, last)| now - *last <= bound);
        let since = recently.map_or(now, |(since, _)| since);
        self.failing = Some((since, now));
        if now - since > bound {
            let reason = format!("the log `{}` cannot be read: {problem}", self.log.name);
            return Err(StoreError::Unavailable { reason });
        }
        tokio::time::sleep(RETRY).await;
        Ok(())
    }
}
