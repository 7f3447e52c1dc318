//! The messages of an append: each event, its copies behind it, then the guards on subjects without a new event.

use std::sync::Arc;

use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use eventmodel::store::Append;
use uuid::Uuid;

use super::Log;
use super::history::History;
use super::message::{BEHIND, HISTORY, copy_id, headers_of, message_id};
use super::snapshot;
use crate::connect::jetstream::{EXPECTED, EXPECTED_SUBJECT, MESSAGE_ID};

const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// A message to send.
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// The index of the event that it is, copies or follows.
    pub(crate) event: usize,
}

/// The messages of one append.
pub(crate) struct Batch {
    pub(crate) messages: Vec<Outgoing>,
    /// Where each event stands among the messages.
    pub(crate) offsets: Vec<u64>,
    /// The history before each guard, as far as the log knows it.
    pub(crate) histories: Vec<Arc<History>>,
}

impl Outgoing {
    /// The size as the server counts it.
    pub(crate) fn size(&self) -> usize {
        const VERSION_LINE: usize = "NATS/1.0\r\n\r\n".len();
        const AROUND: usize = ": \r\n".len();
        let header = |(name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>)| {
            let name: &str = name.as_ref();
            values
                .iter()
                .map(|value| name.len() + value.as_str().len() + AROUND)
                .sum::<usize>()
        };
        VERSION_LINE + self.headers.iter().map(header).sum::<usize>() + self.payload.len()
    }

    /// Leaves out what only makes reading faster, until the message fits.
    pub(crate) fn shrink(&mut self, max: usize) {
        self.leave_out(snapshot::is_header);
        if self.size() > max {
            self.leave_out(|name| name == HISTORY);
        }
    }

    fn leave_out(&mut self, is_out: impl Fn(&str) -> bool) {
        let headers = self.headers.iter();
        let kept = headers.filter(|(name, _)| !is_out(name.as_ref()));
        let kept = kept.filter_map(|(name, values)| Some((name.clone(), values.first()?.clone())));
        self.headers = kept.collect();
    }
}

impl Batch {
    pub(crate) fn new(log: &Log, append: &Append) -> Self {
        let mut messages: Vec<Outgoing> = Vec::with_capacity(append.guards().len());
        let mut offsets = Vec::with_capacity(append.events().len());
        for (n, event) in append.events().iter().enumerate() {
            offsets.push(messages.len() as u64);
            let subjects = &event.metadata.subjects;
            for (place, subject) in subjects.iter().enumerate() {
                let mut headers = headers_of(event);
                if place == 0 {
                    headers.insert(MESSAGE_ID, message_id(&event.metadata.id));
                } else {
                    headers.insert(MESSAGE_ID, copy_id(&event.metadata.id, place));
                    headers.insert(BEHIND, place.to_string());
                }
                messages.push(Outgoing {
                    subject: subject.as_str().to_owned(),
                    headers,
                    payload: event.payload.clone(),
                    event: n,
                });
            }
        }
        let mut histories = Vec::with_capacity(append.guards().len());
        let last_event = offsets.last().copied().unwrap_or_default();
        for guard in append.guards() {
            let subject = &guard.subject;
            let expected = guard.expected.get();
            let history = log.history_after(subject, expected);
            let on_it: Vec<usize> = (0..messages.len())
                .filter(|n| messages[*n].subject == subject.as_str())
                .collect();
            match on_it[..] {
                // A guard goes on the first message on its subject: the server compares a later one with those before
                // it in the batch.
                [first, ..] => {
                    messages[first]
                        .headers
                        .insert(EXPECTED, expected.to_string());
                    let last = on_it[on_it.len() - 1];
                    let snapshots = append.snapshots().iter();
                    let snapshots = snapshots.filter(|snapshot| snapshot.subject == *subject);
                    snapshot::add(&mut messages[last].headers, snapshots);
                    describe_history(&mut messages, &on_it, &history);
                }
                [] => {
                    let mut headers = HeaderMap::new();
                    headers.insert(EXPECTED, expected.to_string());
                    headers.insert(EXPECTED_SUBJECT, subject.as_str());
                    headers.insert(BEHIND, (messages.len() as u64 - last_event).to_string());
                    messages.push(Outgoing {
                        subject: Log::guard_subject(&log.name),
                        headers,
                        payload: Bytes::new(),
                        event: offsets.len() - 1,
                    });
                }
            }
            histories.push(history);
        }
        if messages.len() > 1 {
            number(&mut messages);
        }
        Self {
            messages,
            offsets,
            histories,
        }
    }
}

/// Makes messages an atomic batch (ADR-50).
fn number(messages: &mut [Outgoing]) {
    let id = Uuid::now_v7().simple().to_string();
    for (n, message) in messages.iter_mut().enumerate() {
        message.headers.insert(BATCH_ID, id.as_str());
        message.headers.insert(BATCH_SEQUENCE, (n + 1).to_string());
    }
    if let Some(last) = messages.last_mut() {
        last.headers.insert(BATCH_COMMIT, "1");
    }
}

/// Adds to each message on a subject what precedes it.
fn describe_history(messages: &mut [Outgoing], on_it: &[usize], history: &History) {
    for (k, n) in on_it.iter().enumerate() {
        let within: Vec<u64> = on_it[..k]
            .iter()
            .rev()
            .map(|earlier| (n - earlier) as u64)
            .collect();
        let header = history.to_header(&within);
        if !header.is_empty() {
            let name = HeaderName::from_static(HISTORY);
            messages[*n].headers.insert(name, header);
        }
    }
}
