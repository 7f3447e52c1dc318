//! What automations have still to do, shared by all processes: a durable pull consumer for each automation and log.
//!
//! Any process gets any event, and handles it when the message before it on its subject is done, wherever that is
//! handled (see [`in_flight`]). So events of one stream instance are handled in order, and those of different ones at the
//! same time, in all processes together. What a process has in hand when it ends is delivered to another one after
//! [`hand_over_after`](crate::NatsStoreBuilder::hand_over_after), and what stands behind it waits until then.
//!
//! To look at: `nats consumer info hotel hotel-booking_CleaningBot` (how far, how much is in hand), `nats kv ls
//! hotel-parked` and `nats kv get hotel-parked parked.hotel-booking_CleaningBot.booking.1.2022-12-12` (what is parked).

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{Client, Subject};
use async_trait::async_trait;
use bytes::Bytes;
use eventmodel::{
    DecodeError, Inbox, InboxHost, InboxSpec, Parking, Position, RecordedEvent, Store, StoreError,
    Trouble,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::log::Log;
use crate::log::logs::Logs;

mod consumer;
mod in_flight;
mod parking;
mod pump;

use consumer::Durable;
use in_flight::Hand;
use parking::KvParking;
use pump::Pump;

/// How many of the events that were done here are remembered, so that those behind them need not be looked up.
const REMEMBERED: usize = 10_000;

/// How many others are told of in one message.
const TOLD: usize = 1_000;

/// Opens the inboxes of automations.
pub(crate) struct NatsInboxes(pub(crate) Arc<Logs>);

#[async_trait]
impl InboxHost for NatsInboxes {
    async fn open(
        &self,
        spec: &InboxSpec,
        _: &Arc<dyn Store>,
    ) -> Result<Box<dyn Inbox>, StoreError> {
        let log = self.0.get(&spec.log)?;
        let (connection, setup) = (&self.0.connection, &self.0.setup);
        let durable = Durable {
            name: consumer::name(spec),
            ack_wait: setup.hand_over,
            create: setup.create && connection.creates_consumers,
            has_skipped: Mutex::default(),
        };
        durable.open(&log, 0).await?;
        let wake = Arc::new(Notify::new());
        let name = &durable.name;
        let parking = KvParking::open(setup, &log, spec.automation, name, wake.clone()).await?;
        let client = log.connection.client.clone();
        let notices = Subject::from(format!("eventmodel.{}.done.{name}", log.name));
        let told = client.subscribe(notices.clone()).await;
        let told = told.map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        })?;
        let (given, events) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client,
            log,
            automation: spec.automation,
            durable,
            parking: Arc::new(parking),
            notices,
            hand: Mutex::default(),
            finished: Mutex::default(),
            done_here: Mutex::default(),
            remembered: quick_cache::sync::Cache::new(REMEMBERED),
            suspect: Mutex::default(),
            given,
            wake,
            closing: CancellationToken::new(),
            trouble: Mutex::default(),
        });
        Ok(Box::new(NatsInbox {
            pump: tokio::sync::Mutex::new(tokio::spawn(Pump::new(shared.clone(), told).run())),
            events: tokio::sync::Mutex::new(events),
            shared,
        }))
    }
}

struct NatsInbox {
    shared: Arc<Shared>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<RecordedEvent, StoreError>>>,
    pump: tokio::sync::Mutex<JoinHandle<()>>,
}

/// What the inbox and its task share.
struct Shared {
    client: Client,
    log: Arc<Log>,
    automation: &'static str,
    durable: Durable,
    parking: Arc<KvParking>,
    /// Where processes tell each other what is done: it saves asking, and may be lost.
    notices: Subject,
    hand: Mutex<Hand>,
    /// What the app is done with, and is not acknowledged yet.
    finished: Mutex<VecDeque<u64>>,
    /// What is done and not told yet.
    done_here: Mutex<Vec<u64>>,
    remembered: quick_cache::sync::Cache<u64, ()>,
    /// The only event of its kind in hand: see [`Pump`].
    suspect: Mutex<Option<u64>>,
    given: mpsc::UnboundedSender<Result<RecordedEvent, StoreError>>,
    wake: Arc<Notify>,
    closing: CancellationToken,
    /// What keeps the task from going on.
    trouble: Mutex<Option<Trouble>>,
}

/// Not at once: another node may not know yet that this process takes nothing any more.
const GIVE_BACK: &str = r#"-NAK {"delay":100000000}"#;

/// A text in letters, digits and these other characters.
fn escaped(text: &str, others: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || others(byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "={byte:02X}");
        }
    }
    escaped
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn hand(&self) -> MutexGuard<'_, Hand> {
        locked(&self.hand)
    }

    fn done_here(&self) -> MutexGuard<'_, Vec<u64>> {
        locked(&self.done_here)
    }

    fn suspect(&self) -> MutexGuard<'_, Option<u64>> {
        locked(&self.suspect)
    }

    fn was_done_here(&self, sequence: u64) -> bool {
        self.remembered.get(&sequence).is_some()
    }

    fn give(&self, event: Result<RecordedEvent, StoreError>) {
        // Nobody takes it if the inbox is gone.
        let _ = self.given.send(event);
    }

    fn give_event(&self, sequence: u64) {
        let event = self.hand().item(sequence).and_then(|i| i.event.clone());
        if let Some(event) = event {
            self.give(event.map_err(StoreError::Undecodable));
        }
    }

    /// Sends without an answer: all that can go wrong is that the connection takes nothing any more.
    async fn send(&self, subject: Subject, text: Bytes) -> Result<(), StoreError> {
        let sent = self.client.publish(subject.clone(), text);
        let sent = self.log.connection.bounded(&subject, sent).await?;
        sent.map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
        })
    }

    async fn answer(&self, reply: Subject, text: &'static str) -> Result<(), StoreError> {
        self.send(reply, text.into()).await
    }

    async fn acknowledge(&self, reply: Subject) -> Result<(), StoreError> {
        self.answer(reply, "+ACK").await
    }

    async fn done(&self, sequence: u64, reply: Subject) -> Result<(), StoreError> {
        self.acknowledge(reply).await?;
        self.hand().done(sequence);
        self.remembered.insert(sequence, ());
        self.done_here().push(sequence);
        Ok(())
    }

    async fn tell(&self, text: String) -> Result<(), StoreError> {
        self.send(self.notices.clone(), text.into()).await
    }

    /// The task acknowledges it: an acknowledgement that fails is made again.
    fn finished_with(&self, position: Position) {
        locked(&self.finished).push_back(position.get());
        self.wake.notify_one();
    }

    /// Acknowledges what the app is done with. What could not be acknowledged is tried again the next time.
    async fn finish(&self) -> Result<(), StoreError> {
        loop {
            let Some(sequence) = locked(&self.finished).front().copied() else {
                return Ok(());
            };
            let reply = self.hand().item(sequence).map(|item| item.reply.clone());
            if let Some(reply) = reply {
                self.done(sequence, reply).await?;
            }
            locked(&self.finished).pop_front();
        }
    }

    /// Tells others what was done here.
    async fn tell_done(&self) -> Result<(), StoreError> {
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
}

impl Shared {
    /// What is not done may go to another process now.
    async fn give_back(&self) -> Result<(), StoreError> {
        self.finish().await?;
        // Else it would be delivered to this process again.
        self.client.flush().await.map_err(StoreError::failed)?;
        let items = self.hand().clear();
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

impl Drop for NatsInbox {
    fn drop(&mut self) {
        self.shared.closing.cancel();
    }
}

#[async_trait]
impl Inbox for NatsInbox {
    async fn next(&self) -> Result<RecordedEvent, StoreError> {
        let mut events = self.events.lock().await;
        events.recv().await.unwrap_or_else(|| {
            Err(StoreError::Unavailable {
                reason: "the inbox is closed".into(),
            })
        })
    }

    async fn done(&self, event: &RecordedEvent) -> Result<(), StoreError> {
        self.shared.finished_with(event.position());
        Ok(())
    }

    async fn set_aside(&self, unreadable: &DecodeError) -> Result<(), StoreError> {
        self.shared.finished_with(unreadable.position);
        Ok(())
    }

    async fn handled(&self) -> Result<Option<Position>, StoreError> {
        let (durable, log) = (&self.shared.durable, &self.shared.log);
        let Some(info) = durable.info(log).await? else {
            return Ok(Some(Position::START));
        };
        durable.check(log, &info).await?;
        Ok(Some(Position::new(info.floor())))
    }

    fn trouble(&self) -> Option<Trouble> {
        locked(&self.shared.trouble).clone()
    }

    fn parking(&self) -> Option<Arc<dyn Parking>> {
        Some(self.shared.parking.clone())
    }

    async fn close(&self) {
        self.shared.closing.cancel();
        let mut pump = self.pump.lock().await;
        // It is bounded, and ends once.
        if !pump.is_finished() {
            let _ = (&mut *pump).await;
        }
    }
}
