//! What an inbox and its task share: what is in flight, what is done, and what other processes must hear.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use async_nats::{Client, Subject};
use bytes::Bytes;
use eventmodel::store::{Item, Trouble};
use eventmodel::{Position, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::consumer::Durable;
use super::in_flight::InFlight;
use super::parking::KvParking;
use crate::log::Log;
use crate::sync::locked;

/// How many done messages one notice names.
const TOLD: usize = 1_000;

/// What the inbox and its task share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) log: Arc<Log>,
    pub(super) automation: &'static str,
    pub(super) durable: Durable,
    pub(super) parking: Arc<KvParking>,
    /// Where processes tell each other what is done. It saves requests; a notice may be lost.
    pub(super) notices: Subject,
    pub(super) in_flight: Mutex<InFlight>,
    /// What the app has done, and this process has not acknowledged yet.
    pub(super) finished: Mutex<VecDeque<u64>>,
    /// What is done, and not yet told.
    pub(super) done_here: Mutex<Vec<u64>>,
    pub(super) remembered: quick_cache::sync::Cache<u64, ()>,
    /// The suspect in hand: see [`Suspects`](super::suspects::Suspects).
    pub(super) suspect: Mutex<Option<u64>>,
    pub(super) given: mpsc::UnboundedSender<Item>,
    pub(super) wake: Arc<Notify>,
    pub(super) closing: CancellationToken,
    /// What keeps the task from going on.
    pub(super) trouble: Mutex<Option<Trouble>>,
}

/// Not at once: another node may not yet know that this process takes no more.
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

    pub(super) fn give(&self, sequence: u64) {
        let item = self.in_flight().item(sequence).and_then(|i| i.item.clone());
        if let Some(item) = item {
            // The inbox may be gone.
            let _ = self.given.send(item);
        }
    }

    /// Sends without an answer: it fails only if the connection takes nothing.
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

    /// Leaves the acknowledgement to the task, which repeats a failed one.
    pub(super) fn finished_with(&self, position: Position) {
        locked(&self.finished).push_back(position.get());
        self.wake.notify_one();
    }

    /// Acknowledges what the app has done. The next call repeats what fails.
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

    /// Tells other processes what this one has done.
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

    /// Gives what is not done to other processes.
    pub(super) async fn give_back(&self) -> Result<(), StoreError> {
        self.finish().await?;
        // Otherwise JetStream could deliver it to this process again.
        self.client.flush().await.map_err(StoreError::failed)?;
        let items = self.in_flight().clear();
        for item in items {
            self.answer(item.reply, GIVE_BACK).await?;
        }
        let suspect = self.suspect().take();
        if let Some(suspect) = suspect {
            // A stop is no crash.
            self.parking.acquit(suspect).await?;
        }
        self.tell_done().await?;
        self.client.flush().await.map_err(StoreError::failed)
    }
}
