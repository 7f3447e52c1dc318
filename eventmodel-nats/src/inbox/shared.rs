//! What an inbox and its task share: what is in flight, what is done, and what others are told of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use async_nats::{Client, Subject};
use bytes::Bytes;
use eventmodel::{Position, RecordedEvent, StoreError, Trouble};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::consumer::Durable;
use super::in_flight::InFlight;
use super::parking::KvParking;
use crate::log::Log;
use crate::sync::locked;

/// How many others are told of in one message.
const TOLD: usize = 1_000;

/// What the inbox and its task share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) log: Arc<Log>,
    pub(super) automation: &'static str,
    pub(super) durable: Durable,
    pub(super) parking: Arc<KvParking>,
    /// Where processes tell each other what is done: it saves asking, and may be lost.
    pub(super) notices: Subject,
    pub(super) in_flight: Mutex<InFlight>,
    /// What the app is done with, and is not acknowledged yet.
    pub(super) finished: Mutex<VecDeque<u64>>,
    /// What is done and not told yet.
    pub(super) done_here: Mutex<Vec<u64>>,
    pub(super) remembered: quick_cache::sync::Cache<u64, ()>,
    /// The only event of its kind in hand: see [`Suspects`](super::suspects::Suspects).
    pub(super) suspect: Mutex<Option<u64>>,
    pub(super) given: mpsc::UnboundedSender<Result<RecordedEvent, StoreError>>,
    pub(super) wake: Arc<Notify>,
    pub(super) closing: CancellationToken,
    /// What keeps the task from going on.
    pub(super) trouble: Mutex<Option<Trouble>>,
}

/// Not at once: another node may not know yet that this process takes nothing any more.
const GIVE_BACK: &str = r#"-NAK {"delay":100000000}"#;

impl Shared {
    pub(super) fn in_flight(&self) -> MutexGuard<'_, InFlight> {
        locked(&self.in_flight)
    }

    fn done_here(&self) -> MutexGuard<'_, Vec<u64>> {
        locked(&self.done_here)
    }

    pub(super) fn suspect(&self) -> MutexGuard<'_, Option<u64>> {
        locked(&self.suspect)
    }

    pub(super) fn was_done_here(&self, sequence: u64) -> bool {
        self.remembered.get(&sequence).is_some()
    }

    fn give(&self, event: Result<RecordedEvent, StoreError>) {
        // Nobody takes it if the inbox is gone.
        let _ = self.given.send(event);
    }

    pub(super) fn give_event(&self, sequence: u64) {
        let event = self
            .in_flight()
            .item(sequence)
            .and_then(|i| i.event.clone());
        if let Some(event) = event {
            self.give(event.map_err(StoreError::Undecodable));
        }
    }

    /// Sends without an answer: all that can go wrong is that the connection takes nothing any more.
    pub(super) async fn send(&self, subject: Subject, text: Bytes) -> Result<(), StoreError> {
        let sent = self.client.publish(subject.clone(), text);
        let sent = self.log.connection.bounded(&subject, sent).await?;
        sent.map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        })
    }

    pub(super) async fn answer(
        &self,
        reply: Subject,
        text: &'static str,
    ) -> Result<(), StoreError> {
        self.send(reply, text.into()).await
    }

    pub(super) async fn acknowledge(&self, reply: Subject) -> Result<(), StoreError> {
        self.answer(reply, "+ACK").await
    }

    pub(super) async fn done(&self, sequence: u64, reply: Subject) -> Result<(), StoreError> {
        self.acknowledge(reply).await?;
        self.in_flight().done(sequence);
        self.remembered.insert(sequence, ());
        self.done_here().push(sequence);
        Ok(())
    }

    pub(super) async fn tell(&self, text: String) -> Result<(), StoreError> {
        self.send(self.notices.clone(), text.into()).await
    }

    /// The task acknowledges it: an acknowledgement that fails is made again.
    pub(super) fn finished_with(&self, position: Position) {
        locked(&self.finished).push_back(position.get());
        self.wake.notify_one();
    }

    /// Acknowledges what the app is done with. What could not be acknowledged is tried again the next time.
    pub(super) async fn finish(&self) -> Result<(), StoreError> {
        loop {
            let Some(sequence) = locked(&self.finished).front().copied() else {
                return Ok(());
            };
            let reply = self
                .in_flight()
                .item(sequence)
                .map(|item| item.reply.clone());
            if let Some(reply) = reply {
                self.done(sequence, reply).await?;
            }
            locked(&self.finished).pop_front();
        }
    }

    /// Tells others what was done here.
    pub(super) async fn tell_done(&self) -> Result<(), StoreError> {
        loop {
            let done: Vec<_> = self.done_here().iter().take(TOLD).copied().collect();
            if done.is_empty() {
                return Ok(());
            }
            let text: Vec<_> = done.iter().map(u64::to_string).collect();
            self.tell(text.join(",")).await?;
            self.done_here().drain(..done.len());
        }
    }

    /// What is not done may go to another process now.
    pub(super) async fn give_back(&self) -> Result<(), StoreError> {
        self.finish().await?;
        // Else it would be delivered to this process again.
        self.client.flush().await.map_err(StoreError::failed)?;
        let items = self.in_flight().clear();
        for item in items {
            self.answer(item.reply, GIVE_BACK).await?;
        }
        let suspect = self.suspect().take();
        if let Some(suspect) = suspect {
            // Stopping is no crash.
            self.parking.acquit(suspect).await?;
        }
        self.tell_done().await?;
        self.client.flush().await.map_err(StoreError::failed)
    }
}
