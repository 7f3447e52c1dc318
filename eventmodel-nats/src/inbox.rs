//! What automations still have to do, shared by all processes: a durable pull consumer for each automation and log.
//!
//! Any process gets any event, and handles it when the message before it on its subject is done, in whichever process
//! (see [`in_flight`]). So the processes together handle the events of one stream instance in order, and those of
//! different instances at the same time. When a process ends, JetStream delivers what it had in hand to another one
//! after [`hand_over_after`](crate::NatsStoreBuilder::hand_over_after); the events behind it wait until then.
//!
//! To look at: `nats consumer info hotel hotel-booking_CleaningBot` (how far, how much is in hand), `nats kv ls
//! hotel-parked` and `nats kv get hotel-parked parked.hotel-booking_CleaningBot.booking.1.2022-12-12` (what is parked).

use std::sync::{Arc, Mutex};

use async_nats::Subject;
use async_trait::async_trait;
use eventmodel::store::{Inbox, InboxHost, InboxSpec, Item, Parking, Trouble};
use eventmodel::{Position, Store, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::log::logs::Logs;
use crate::sync::locked;

mod consumer;
mod in_flight;
mod parking;
mod pump;
mod shared;
mod suspects;

use consumer::Durable;
use parking::KvParking;
use pump::Pump;
use shared::Shared;

/// How many events that this process has done it remembers, so that it need not look up those behind them.
const REMEMBERED: usize = 10_000;

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
        let (given, items) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client,
            log,
            automation: spec.automation,
            durable,
            parking: Arc::new(parking),
            notices,
            in_flight: Mutex::default(),
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
            items: tokio::sync::Mutex::new(items),
            shared,
        }))
    }
}

struct NatsInbox {
    shared: Arc<Shared>,
    items: tokio::sync::Mutex<mpsc::UnboundedReceiver<Item>>,
    pump: tokio::sync::Mutex<JoinHandle<()>>,
}

impl Drop for NatsInbox {
    fn drop(&mut self) {
        self.shared.closing.cancel();
    }
}

#[async_trait]
impl Inbox for NatsInbox {
    async fn next(&self) -> Result<Item, StoreError> {
        let mut items = self.items.lock().await;
        let next = items.recv().await;
        next.ok_or_else(|| StoreError::Unavailable {
            reason: "the inbox is closed".into(),
        })
    }

    async fn done(&self, item: &Item) -> Result<(), StoreError> {
        self.shared.finished_with(item.position());
        Ok(())
    }

    async fn handled(&self) -> Result<Position, StoreError> {
        let (durable, log) = (&self.shared.durable, &self.shared.log);
        let Some(info) = durable.info(log).await? else {
            return Ok(Position::START);
        };
        durable.check(log, &info).await?;
        Ok(Position::new(info.floor()))
    }

    fn trouble(&self) -> Option<Trouble> {
        locked(&self.shared.trouble).clone()
    }

    fn parking(&self) -> Arc<dyn Parking> {
        self.shared.parking.clone()
    }

    async fn close(&self) {
        self.shared.closing.cancel();
        let mut pump = self.pump.lock().await;
        // The task is bounded, and ends once.
        if !pump.is_finished() {
            let _ = (&mut *pump).await;
        }
    }
}
