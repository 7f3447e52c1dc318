//! Reading a log in its order: an ordered consumer, made again where it stopped when anything goes wrong with it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use eventmodel::store::Read;
use eventmodel::{Position, RecordedEvent, StoreError, SubjectPattern};
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::drift::disjoint;
use crate::get::{Source, subject};
use crate::log::Log;
use crate::message::{Kind, Stored};
use crate::ordered::Ordered;

/// Between two attempts to make a consumer.
const RETRY: Duration = Duration::from_millis(50);

/// Reads a log.
pub(crate) fn read(
    log: Arc<Log>,
    read: Read,
) -> BoxStream<'static, Result<RecordedEvent, StoreError>> {
    let filter = disjoint(&read.subjects);
    let reader = Reader {
        consumer: Ordered::new(log.stream.clone(), filter.clone().unwrap_or_default()),
        log,
        filter,
        patterns: read.subjects,
        after: read.after,
        sequence: read.after.get(),
        follow: read.follow,
        until: None,
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
    consumer: Ordered,
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
        let start_sequence = self.sequence + 1;
        let start = DeliverPolicy::ByStartSequence { start_sequence };
        let problem = match self.consumer.next(start).await {
            Ok(delivered) => {
                self.failing = None;
                return Ok(Some(Stored {
                    subject: subject(&delivered.message.subject)?,
                    sequence: delivered.sequence,
                    headers: delivered.message.headers.unwrap_or_default(),
                    payload: delivered.message.payload,
                }));
            }
            Err(problem) => problem,
        };
        tracing::debug!(log = %self.log.name, after = self.sequence, problem, "reading with a new consumer");
        self.failed(problem).await?;
        // Another stream of the same name would go on at a wrong place.
        match self.log.verify().await {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(None),
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
