//! Appending the events of one command: one message, or one atomic batch (ADR-50), in one round trip.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use eventmodel::record::{CommandRef, Guard, Subject};
use eventmodel::store::{Append, AppendError, Appended};
use eventmodel::{Position, RecordedEvent, StoreError};
use futures_core::future::BoxFuture;

use super::batch::{Batch, Outgoing};
use super::history::History;
use super::message::Identity;
use super::{Log, max_message};
use crate::connect::connection::Failure;
use crate::connect::jetstream::{MESSAGE_ID, ROLLUP};
use crate::connect::refusal::Refusal;

/// How many messages a batch may have (ADR-50).
pub(crate) const MAX_BATCH: usize = 1_000;

/// How the server answered.
enum Sent {
    /// It stored the messages, the first at this sequence.
    Stored(u64),
    /// The message at this sequence already has the id of the first event.
    Duplicate(u64),
}

impl Log {
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.check()?;
        let mut batch = Batch::new(self, &append);
        self.fit(&append, &mut batch)?;
        if append.guards().len() > 1 {
            Box::pin(self.leader.check(self.verify())).await?;
        }
        let before = self.newest_known();
        let records = batch.messages.len();
        if records > MAX_BATCH {
            let max = MAX_BATCH;
            return Err(AppendError::TooMany { records, max });
        }
        let Batch {
            messages,
            offsets,
            histories,
        } = batch;
        // Unusual paths are boxed: each command allocates this future.
        let sent = match <[Outgoing; 1]>::try_from(messages) {
            Ok([message]) => self.send_one(message).await,
            Err(messages) => Box::pin(self.send_batch(messages)).await,
        };
        if sent.as_ref().is_err_and(|failure| !failure.is_conflict()) {
            self.leader.forget();
        }
        match sent {
            Ok(Sent::Stored(first)) if first <= before => {
                self.replaced();
                let reason = self.recreated().to_string();
                Err(AppendError::Unknown { reason })
            }
            Ok(Sent::Stored(first)) => Ok(self.stored(append, &offsets, &histories, first)),
            Ok(Sent::Duplicate(sequence)) => {
                Box::pin(self.duplicate(append.command(), sequence)).await
            }
            Err(Failure::Refused(refusal)) if refusal.may_be_too_large() => {
                if Box::pin(self.has_another_limit()).await? {
                    return self.again(append).await;
                }
                Err(StoreError::from(Failure::Refused(refusal)).into())
            }
            Err(Failure::Refused(refusal)) => Box::pin(self.refused(&append, refusal)).await,
            Err(Failure::NoAnswer(reason)) => Err(AppendError::Unknown { reason }),
            Err(Failure::Odd(reason)) => Err(AppendError::Unknown { reason }),
            Err(failure) => Err(AppendError::Store(failure.into())),
        }
    }

    /// Refuses what the server would not take, before sending any of it. First it leaves out what only makes reading
    /// faster.
    fn fit(&self, append: &Append, batch: &mut Batch) -> Result<(), AppendError> {
        let own = self.max_message.load(Ordering::Relaxed);
        let max = own.min(self.connection.client.max_payload());
        for message in &mut batch.messages {
            if message.size() > max {
                message.shrink(max);
            }
            let size = message.size();
            if size > max {
                return Err(AppendError::TooLarge {
                    event: append.events()[message.event].metadata.id.clone(),
                    size,
                    max,
                });
            }
        }
        Ok(())
    }

    /// Whether the limit has changed since the store opened the log. The server does not say what is wrong with a
    /// message in the middle of a batch.
    async fn has_another_limit(&self) -> Result<bool, StoreError> {
        let Some(info) = self.connection.stream_info(&self.name).await? else {
            return Ok(false);
        };
        let max = max_message(&info.config);
        Ok(self.max_message.swap(max, Ordering::Relaxed) != max)
    }

    fn again(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(self.append(append))
    }

    async fn send_one(&self, message: Outgoing) -> Result<Sent, Failure> {
        let Outgoing {
            subject,
            headers,
            payload,
            ..
        } = message;
        let ack = self
            .connection
            .publish(&self.name, &subject, headers, payload)
            .await?;
        Ok(if ack.duplicate {
            Sent::Duplicate(ack.seq)
        } else {
            Sent::Stored(ack.seq)
        })
    }

    async fn send_batch(&self, messages: Vec<Outgoing>) -> Result<Sent, Failure> {
        let count = messages.len();
        for (n, message) in messages.into_iter().enumerate() {
            let Outgoing {
                subject,
                headers,
                payload,
                ..
            } = message;
            if n + 1 < count {
                let sent = self.connection.send(subject, None, headers, payload).await;
                // The server never stores a batch without its last message.
                sent.map_err(|error| Failure::NotSent(error.to_string()))?;
                continue;
            }
            let ack = self
                .connection
                .publish(&self.name, &subject, headers, payload)
                .await?;
            if ack.count != Some(count as u64) || ack.seq < count as u64 {
                return Err(Failure::Odd(format!(
                    "a batch of {count} messages was answered with {ack:?}"
                )));
            }
            return Ok(Sent::Stored(ack.seq + 1 - count as u64));
        }
        Err(Failure::NotSent("there is nothing to send".into()))
    }

    /// The receipt of the stored messages.
    fn stored(
        &self,
        append: Append,
        offsets: &[u64],
        histories: &[Arc<History>],
        first: u64,
    ) -> Appended {
        let (_, command, guards, events) = append.into_parts();
        let first_event = &events[0].metadata;
        self.knows(first, || {
            Identity::new(first_event.id.as_str(), Some(first_event.time))
        });
        let mut revisions: Vec<Guard> = Vec::with_capacity(guards.len());
        let events: Vec<_> = events
            .into_iter()
            .zip(offsets)
            .map(|(event, offset)| RecordedEvent::new(event, Position::new(first + offset)))
            .collect();
        for event in &events {
            push_revisions(&mut revisions, event);
        }
        for (guard, history) in guards.iter().zip(histories) {
            let is_here = |revision: &&Guard| revision.subject == guard.subject;
            let Some(revision) = revisions.iter().find(is_here) else {
                continue;
            };
            let expected = guard.expected.get();
            let mut history = history.clone();
            let mut last = 0;
            for sequence in sequences(&events, &revision.subject) {
                if last != 0 {
                    history = Arc::new(history.then(last));
                }
                last = sequence;
            }
            self.note(&revision.subject, last, &history);
            // Only where callers give ids: otherwise the earlier ids were never read.
            if expected != 0 || command.fingerprint.is_some() {
                let subject = &revision.subject;
                let here = events
                    .iter()
                    .filter(|event| event.metadata().subjects.contains(subject));
                let ids = here.map(|event| &event.metadata().id);
                self.command_ids.note(subject, expected, last, ids);
            }
        }
        Appended::new(events, revisions, false)
    }

    /// The server stored nothing: a guard failed, or the events are already there.
    async fn refused(&self, append: &Append, refusal: Refusal) -> Result<Appended, AppendError> {
        if refusal.is_duplicate_in_batch() {
            return match self.find(append).await? {
                Some(appended) => Ok(appended),
                None => self.find_anywhere(append).await,
            };
        }
        if refusal.is_conflict() {
            if let Some(appended) = self.find(append).await? {
                return Ok(appended);
            }
            let single = match append.guards() {
                [guard] => Some(guard.subject.clone()),
                _ => None,
            };
            let actual = single
                .as_ref()
                .and_then(|_| refusal.actual())
                .map(Position::new);
            return Err(AppendError::Conflict {
                subject: single,
                actual,
            });
        }
        Err(AppendError::Store(Failure::Refused(refusal).into()))
    }

    /// What this command has already stored: with these guards it stands after the expected positions. A command under
    /// a caller's id may have run earlier, with other guards.
    async fn find(&self, append: &Append) -> Result<Option<Appended>, AppendError> {
        if append.command().fingerprint.is_some() {
            let subjects = append.guards().iter().map(|guard| guard.subject.clone());
            let subjects: Vec<_> = subjects.collect();
            return self.committed(append.command(), &subjects).await;
        }
        for guard in append.guards() {
            let found = self
                .find_on(&guard.subject, guard.expected, append.command())
                .await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The append that has the id of the first event, wherever it is: a publish under that id makes the server name it.
    /// If the server has just forgotten the id, the invalid rollup makes it refuse: it never stores this
    /// message.
    async fn find_anywhere(&self, append: &Append) -> Result<Appended, AppendError> {
        let unknown = |reason: String| AppendError::Unknown { reason };
        let mut headers = async_nats::HeaderMap::new();
        let id = crate::log::message::message_id(&append.events()[0].metadata.id);
        headers.insert(MESSAGE_ID, id);
        headers.insert(ROLLUP, "never");
        let subject = Self::guard_subject(&self.name);
        match self
            .connection
            .publish(&self.name, &subject, headers, Bytes::new())
            .await
        {
            Ok(ack) if ack.duplicate => self.duplicate(append.command(), ack.seq).await,
            Ok(ack) => Err(unknown(format!("a question was stored: {ack:?}"))),
            Err(failure) => Err(unknown(format!(
                "the server does not say who has the id of the command: {failure}"
            ))),
        }
    }
}

/// The sequences of the events and copies on a subject. Copies follow their event in the order of its streams.
fn sequences<'a>(
    events: &'a [RecordedEvent],
    subject: &'a Subject,
) -> impl Iterator<Item = u64> + 'a {
    events.iter().filter_map(move |event| {
        let place = event
            .metadata()
            .subjects
            .iter()
            .position(|s| s == subject)?;
        Some(event.position().get() + place as u64)
    })
}

/// Records an event as the last one on its subjects.
pub(crate) fn push_revisions(revisions: &mut Vec<Guard>, event: &RecordedEvent) {
    for (place, subject) in event.metadata().subjects.iter().enumerate() {
        let expected = Position::new(event.position().get() + place as u64);
        match revisions.iter_mut().find(|guard| guard.subject == *subject) {
            Some(guard) => guard.expected = expected,
            None => revisions.push(Guard {
                subject: subject.clone(),
                expected,
            }),
        }
    }
}

/// Whether this command emitted the event. An error if another command used its id.
pub(crate) fn is_of(event: &RecordedEvent, command: &CommandRef) -> Result<bool, AppendError> {
    let recorded = &event.metadata().command;
    if recorded.id != command.id {
        return Ok(false);
    }
    if recorded.is_same(command) {
        return Ok(true);
    }
    Err(AppendError::IdReused {
        id: command.id.clone(),
        name: recorded.name.clone(),
    })
}
