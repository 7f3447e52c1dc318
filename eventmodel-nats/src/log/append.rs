//! Appending the events of one command: one message, or one atomic batch (ADR-50), in one round trip.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use eventmodel::store::{Append, AppendError, Appended};
use eventmodel::{CommandRef, Guard, Position, RecordedEvent, StoreError, Subject};
use futures_core::future::BoxFuture;

use super::batch::{Batch, Outgoing};
use super::history::History;
use super::message::Identity;
use super::{Log, max_message};
use crate::connect::connection::Failure;
use crate::connect::jetstream::{MESSAGE_ID, ROLLUP};
use crate::connect::refusal::Refusal;

/// How many messages a batch may have (ADR-50).
const MAX_BATCH: usize = 1_000;

/// What became of the messages.
enum Sent {
    /// They are stored; the first one has this sequence.
    Stored(u64),
    /// The id of the first event is that of the message at this sequence.
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
        if batch.messages.len() > MAX_BATCH {
            let count = batch.messages.len();
            return Err(AppendError::Store(StoreError::failed(format!(
                "the command needs {count} messages, and an atomic batch of JetStream has at most {MAX_BATCH}: emit \
                 fewer events at once"
            ))));
        }
        let Batch {
            messages,
            offsets,
            histories,
        } = batch;
        // All but the usual way is boxed: this future is allocated for each command.
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

    /// Refuses what the server would not take, before any of it is sent. What is only there to be read sooner is left
    /// out before that.
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

    /// Whether the server has another limit than it had when the log was opened. It does not say what is wrong with a
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
                // Without its last message a batch is never stored.
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

    /// The receipt of what was stored.
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
            // Only for those whose callers give ids: others that have events have not been read for it.
            if expected != 0 || command.fingerprint.is_some() {
                let subject = &revision.subject;
                let here = events
                    .iter()
                    .filter(|event| event.metadata().subjects.contains(subject));
                let ids = here.map(|event| &event.metadata().id);
                self.command_ids.note(subject, expected, last, ids);
            }
        }
        Appended {
            events,
            revisions,
            already_committed: false,
        }
    }

    /// Nothing was stored: because of a guard, or because it is stored already.
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

    /// What this very command has stored, if it has: with these guards it stands after what they expect. One under an
    /// id of the caller may have been executed before, with other guards.
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

    /// What has the id of the first event, wherever it is: the server knows, and tells it for another message with
    /// that id. If it has just forgotten the id it goes on, and finds a rollup that there is not: whatever it knows,
    /// it never stores this message.
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

/// Notes that an event is now the last one on its subjects.
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

/// Whether the event was emitted by this command: an error, if it was by another one under its id.
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
