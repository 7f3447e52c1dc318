//! Loading the history of one stream instance: the one place that decides how to read it.
//!
//! The store reads the last message on the subject first: it names what precedes it. Then it reads the rest
//! - by the sequences that the messages carry ([`super::history`]): two round trips for most instances, whatever else
//!   is in the log;
//! - by subject, in pages or by a consumer, if the sequences disagree or are too many: [`super::by_subject`].

use std::time::Duration;

use eventmodel::record::Subject;
use eventmodel::store::{Item, Load, Loaded};
use eventmodel::{Position, StoreError};
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::Log;
use super::Source;
use super::message::Stored;
use super::snapshot;

/// How many events to read by their sequences; beyond that, reading by subject is quicker.
const BY_SEQUENCE: usize = 64;

/// How many round trips that may take.
const ROUNDS: usize = 5;

/// The wait before asking a lagging leader again.
const LAG: Duration = Duration::from_millis(20);

impl Log {
    pub(crate) async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        let (after, floor) = (load.after.get(), load.floor.get());
        let source = if floor > after {
            Source::Leader
        } else {
            Source::Any
        };
        let seen = floor.max(after);
        let Some(last) = self.newest(&load.subject, seen, source).await? else {
            return Ok(Loaded::new(Vec::new(), Position::START));
        };
        let revision = Position::new(last.sequence);
        // A state does not name the commands that led to it.
        let is_state_enough =
            !load.commands || self.command_ids.until(&load.subject) >= last.sequence;
        let wanted = load
            .snapshot
            .filter(|_| load.after == Position::START && is_state_enough);
        if let Some(snapshot) = wanted.and_then(|fold| snapshot::of(&last, fold)) {
            return Ok(Loaded::new(Vec::new(), revision).snapshot(Some(snapshot)));
        }
        let messages = self.tail(&load.subject, after, last).await?;
        // A copy stands behind its event.
        let is_new = |item: &Item| item.position() > load.after;
        let items: Vec<_> = messages.iter().map(Stored::item).filter(is_new).collect();
        if load.commands {
            let ids = items.iter().map(|item| match item {
                Item::Event(event) => Some(&event.metadata().id),
                Item::Unreadable(_) => None,
            });
            // Nobody knows whose an unreadable one is.
            if let Some(ids) = ids.collect::<Option<Vec<_>>>() {
                self.command_ids
                    .note(&load.subject, after, revision.get(), ids.into_iter());
            }
        }
        Ok(Loaded::new(items, revision))
    }

    /// All messages on a subject after a sequence, as the leader knows them.
    pub(crate) async fn messages(
        &self,
        subject: &Subject,
        after: u64,
    ) -> Result<Vec<Stored>, StoreError> {
        match self.newest(subject, 0, Source::Leader).await? {
            // What is sought after a future position may be anywhere.
            Some(last) if last.sequence < after => self.between(subject, 0, last).await,
            Some(last) => self.between(subject, after, last).await,
            None => Ok(Vec::new()),
        }
    }

    /// The position of the last event. A leader that was paused does not know its successor for a moment, so its answer
    /// must not be older than what this process has seen.
    pub(crate) async fn last_position(&self) -> Result<Position, StoreError> {
        let floor = self.newest_known();
        let end = Instant::now() + self.connection.timeout;
        loop {
            let last = self.last(">", Source::Leader).await?;
            let sequence = last.as_ref().map_or(0, |last| last.sequence);
            if sequence >= floor {
                let Some(last) = last else {
                    return Ok(Position::START);
                };
                self.knows(sequence, || last.identity());
                return Ok(last.position());
            }
            self.verify().await?;
            if Instant::now() > end {
                let name = &self.name;
                let reason =
                    format!("the leader of `{name}` does not know of position {floor} yet");
                return Err(StoreError::Unavailable { reason });
            }
            sleep(LAG).await;
        }
    }

    /// The last message on a subject, not older than a sequence seen there.
    pub(crate) async fn newest(
        &self,
        subject: &Subject,
        seen: u64,
        source: Source,
    ) -> Result<Option<Stored>, StoreError> {
        let sequence = |last: &Option<Stored>| last.as_ref().map_or(0, |last| last.sequence);
        let mut last = self.last(subject.as_str(), source).await?;
        if sequence(&last) < seen && source == Source::Any {
            last = self.last(subject.as_str(), Source::Leader).await?;
        }
        // A new leader may lag, and so may a paused one that does not know its successor.
        let end = Instant::now() + self.connection.timeout;
        while sequence(&last) < seen {
            self.verify().await?;
            if Instant::now() > end {
                return Err(self.too_short(subject, seen).await);
            }
            sleep(LAG).await;
            last = self.last(subject.as_str(), Source::Leader).await?;
        }
        if let Some(last) = &last {
            self.knows(last.sequence, || last.identity());
            self.note(subject, last.sequence, &last.history());
        }
        Ok(last)
    }

    /// The messages on a subject after a revision seen there, up to the last one. Fails if they do not continue it: the
    /// log has lost its end and grown again.
    pub(crate) async fn tail(
        &self,
        subject: &Subject,
        revision: u64,
        last: Stored,
    ) -> Result<Vec<Stored>, StoreError> {
        let messages = self.between(subject, revision, last).await?;
        let before = messages.first().map(|first| first.history().last());
        let follows = match before {
            None => true,
            Some(Some(before)) => before == revision,
            // Within a batch only the first message on a subject must say it.
            Some(None) if revision == 0 => true,
            Some(None) => {
                let seen = self.at(revision, Source::Leader).await?;
                seen.is_some_and(|seen| seen.subject == *subject)
            }
        };
        if follows {
            return Ok(messages);
        }
        self.verify_end().await?;
        Err(self.too_short(subject, revision).await)
    }

    /// The messages on a subject after a sequence, up to the last one.
    async fn between(
        &self,
        subject: &Subject,
        after: u64,
        last: Stored,
    ) -> Result<Vec<Stored>, StoreError> {
        if last.sequence <= after {
            return Ok(Vec::new());
        }
        // Nobody knows how many follow a sequence in the middle.
        let before = last.history().count().filter(|_| after == 0);
        if before.is_none_or(|before| before < BY_SEQUENCE as u64)
            && let Some(messages) = self.by_sequences(&last, after).await?
        {
            return Ok(messages);
        }
        match self.by_subject(subject, after, last.sequence, before).await {
            Err(error) if !error.is_retryable() => {
                Err(self.lost_of(subject, after).await?.unwrap_or(error))
            }
            read => read,
        }
    }

    /// The error if a subject has lost what preceded its first message after a sequence.
    async fn lost_of(
        &self,
        subject: &Subject,
        after: u64,
    ) -> Result<Option<StoreError>, StoreError> {
        let Some(first) = self.next_on(subject, after + 1).await? else {
            return Ok(None);
        };
        let before = first.history().last().filter(|before| *before > after);
        let Some(before) = before else {
            return Ok(None);
        };
        let is_there = self.at(before, Source::Leader).await?.is_some();
        Ok((!is_there).then(|| self.lost(&format!("position {before} of `{subject}` is gone"))))
    }

    /// The messages after a sequence up to `last`, by the sequences that they carry; `None` if these disagree.
    async fn by_sequences(
        &self,
        last: &Stored,
        after: u64,
    ) -> Result<Option<Vec<Stored>>, StoreError> {
        let mut newest_first = vec![last.clone()];
        let mut history = last.history();
        for _ in 0..=ROUNDS {
            let wanted = history.previous.iter().copied().filter(|at| *at > after);
            let wanted: Vec<u64> = wanted.collect();
            let ends = history.is_complete() || wanted.len() < history.previous.len();
            if wanted.is_empty() && ends {
                newest_first.reverse();
                return Ok(Some(newest_first));
            }
            if wanted.is_empty() || newest_first.len() + wanted.len() > BY_SEQUENCE {
                return Ok(None);
            }
            let messages = wanted.iter().map(|at| self.at(*at, Source::Any));
            let messages = try_join_all(messages).await?;
            for message in messages {
                let Some(message) = message else {
                    return Ok(None);
                };
                // Each message must match what its successor says about it.
                let before = newest_first.last().and_then(|newer| newer.history().last());
                if message.subject != last.subject || before != Some(message.sequence) {
                    return Ok(None);
                }
                newest_first.push(message);
            }
            history = newest_first.last().map(Stored::history).unwrap_or_default();
        }
        Ok(None)
    }
}
