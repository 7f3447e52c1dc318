//! The task behind an inbox: takes what the consumer delivers, says that this process lives, and hands over each event
//! in its turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::{Message, consumer::pull};
use eventmodel::store::{Item, Trouble};
use eventmodel::{__limited as limited, StoreError};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use super::in_flight::{Arrival, Before, Delivered};
use super::shared::Shared;
use super::suspects::{MAX_DELIVERIES, Suspects};
use crate::log::message::{Kind, Stored};
use crate::sync::locked;

/// How many messages to request at a time: few, so that all processes get some.
const BATCH: usize = 64;

/// How often a server says that it lives while there is nothing to read.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long one request waits for a message: for so long, too, a server may take a dead machine for alive.
const EXPIRES: Duration = Duration::from_secs(10);

/// The wait before another attempt, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The wait for word from another process before asking the server, at first and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// How long it may take to give messages back.
const CLOSE: Duration = Duration::from_secs(2);

/// A message has this header if the consumer delivers no payload.
const HEADERS_ONLY: &str = "Nats-Msg-Size";

const PARKED: &str = "parked";

pub(super) struct Pump {
    shared: Arc<Shared>,
    /// The delivered messages, and the time from which on the consumer counts as working.
    messages: Option<(pull::Stream, Instant)>,
    /// When to open the consumer, if it is not open.
    connect_at: Instant,
    /// What other processes have done.
    told: Subscriber,
    sign_of_life: Interval,
    /// The messages whose turn it is.
    turns: VecDeque<u64>,
    /// The same, if their instances are not parked.
    unchecked: Vec<u64>,
    suspects: Suspects,
    poll: Duration,
    next_poll: Instant,
    /// Since when the task fails, and the last pause.
    failing: Option<(Instant, Duration)>,
}

impl Pump {
    pub(super) fn new(shared: Arc<Shared>, told: Subscriber) -> Self {
        let mut sign_of_life = interval(shared.durable.ack_wait / 3);
        sign_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            shared,
            messages: None,
            connect_at: Instant::now(),
            told,
            sign_of_life,
            turns: VecDeque::new(),
            unchecked: Vec::new(),
            suspects: Suspects::default(),
            poll: POLL.0,
            next_poll: Instant::now(),
            failing: None,
        }
    }

    /// Runs until the inbox closes. It gives up on no error, because an operator may mend it.
    pub(super) async fn run(mut self) {
        let shared = self.shared.clone();
        let go_on = async {
            loop {
                if let Err(error) = self.step().await {
                    let pause = self.failed(error).await;
                    tokio::time::sleep(pause).await;
                    // The next sign of life shows whether it goes on.
                    self.sign_of_life.reset_immediately();
                }
            }
        };
        tokio::select! {
            () = shared.closing.cancelled() => {}
            () = go_on => {}
        }
        drop(self);
        if !matches!(timeout(CLOSE, shared.give_back()).await, Ok(Ok(()))) {
            let consumer = &shared.durable.name;
            tracing::warn!(
                consumer,
                "could not give back the events in hand: other processes get them after `hand_over_after`"
            );
        }
    }

    /// Messages in hand go on, even while the consumer gives nothing.
    async fn step(&mut self) -> Result<(), StoreError> {
        self.shared.log.check()?;
        self.advance().await?;
        let is_connected = self.messages.is_some();
        let is_waiting = is_connected && self.shared.in_flight().is_waiting();
        let messages = self.messages.as_mut();
        tokio::select! {
            Some(message) = async { Some(messages?.0.next().await) } => match message {
                Some(Ok(message)) => self.came(message).await?,
                Some(Err(error)) => return Err(self.lost(&error.to_string())),
                None => return Err(self.lost("it ended")),
            },
            () = tokio::time::sleep_until(self.connect_at), if !is_connected => self.try_connect().await,
            Some(told) = self.told.next() => self.hear(&told.payload).await?,
            () = self.shared.wake.notified() => {}
            _ = self.sign_of_life.tick() => self.live().await?,
            () = tokio::time::sleep_until(self.next_poll), if is_waiting => self.look().await?,
        }
        Ok(())
    }

    fn lost(&mut self, problem: &str) -> StoreError {
        self.messages = None;
        StoreError::Unavailable {
            reason: format!("the consumer `{}`: {problem}", self.shared.durable.name),
        }
    }

    async fn try_connect(&mut self) {
        if let Err(error) = self.connect().await {
            self.connect_at = Instant::now() + self.failed(error).await;
        }
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        let floor = self.shared.in_flight().floor();
        let consumer = self.shared.durable.open(&self.shared.log, floor).await?;
        self.look().await?;
        let stream = consumer.stream().max_messages_per_batch(BATCH);
        let messages = stream.heartbeat(HEARTBEAT).expires(EXPIRES).messages();
        let messages = messages.await.map_err(|e| self.lost(&e.to_string()))?;
        // Two heartbeats reveal a missing consumer.
        self.messages = Some((messages, Instant::now() + 3 * HEARTBEAT));
        Ok(())
    }

    /// The wait before another attempt. Reports the error if an operator has to mend it, or if it lasts longer than an
    /// answer may take.
    async fn failed(&mut self, mut error: StoreError) -> Duration {
        let max = RETRY.1.min(self.shared.durable.ack_wait / 3);
        let first = (Instant::now(), RETRY.0.min(max));
        let again = |(since, pause): (Instant, Duration)| (since, (pause * 2).min(max));
        let (since, pause) = self.failing.map_or(first, again);
        self.failing = Some((since, pause));
        // That the log was replaced explains more than a missing consumer does.
        if self.messages.is_none()
            && let Err(other) = self.shared.log.verify().await
            && !other.is_retryable()
        {
            error = other;
        }
        let consumer = &self.shared.durable.name;
        if error.is_retryable() && since.elapsed() <= self.shared.log.connection.timeout {
            tracing::debug!(consumer, %error, "trying again");
        } else {
            limited!(WARN, "the inbox of an automation makes no progress", consumer, %error);
            let mut trouble = locked(&self.shared.trouble);
            let since = trouble.as_ref().map_or_else(Timestamp::now, |t| t.since);
            *trouble = Some(Trouble::new(since, error));
        }
        pause
    }

    async fn came(&mut self, message: Message) -> Result<(), StoreError> {
        if let Some((_, works_from)) = &mut self.messages {
            *works_from = Instant::now();
        }
        if self.failing.is_some() {
            self.sign_of_life.reset_immediately();
        }
        self.take(message).await
    }

    async fn take(&mut self, message: Message) -> Result<(), StoreError> {
        let info = message.info().map_err(StoreError::failed)?;
        let (sequence, deliveries) = (info.stream_sequence, info.delivered);
        let message = message.message;
        let headers = message.headers.as_ref();
        if headers.is_some_and(|headers| headers.get(HEADERS_ONLY).is_some()) {
            return self.look().await;
        }
        let Some(reply) = message.reply else {
            return Ok(());
        };
        let headers = message.headers.unwrap_or_default();
        let stored = Stored::new(&message.subject, sequence, headers, message.payload)?;
        let kind = stored.kind();
        let before = match kind {
            Ok(Kind::Guard(_)) => Before::Nothing,
            _ => before(&stored),
        };
        let item = match kind {
            Ok(Kind::Copy(_) | Kind::Guard(_)) => None,
            // What cannot be read waits for its turn; the app then reports and parks it.
            Ok(Kind::Event) | Err(_) => Some(stored.item()),
        };
        let item = Delivered {
            reply: reply.clone(),
            before,
            item,
            deliveries,
        };
        if self.shared.in_flight().take(sequence, item) == Arrival::Done {
            self.shared.acknowledge(reply).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, told: &[u8]) -> Result<(), StoreError> {
        let told = String::from_utf8_lossy(told);
        if told == PARKED {
            return self.shared.parking.refresh().await;
        }
        self.poll = POLL.0;
        let mut in_flight = self.shared.in_flight();
        for sequence in told.split(',').filter_map(|number| number.parse().ok()) {
            in_flight.heard(sequence);
        }
        Ok(())
    }

    /// Asks how far all processes are, and whether the consumer is still what it must be: nothing else shows that a
    /// changed filter skips events. The task takes nothing more from a wrong consumer.
    async fn look(&mut self) -> Result<(), StoreError> {
        self.next_poll = Instant::now() + self.poll;
        self.poll = (self.poll * 2).min(POLL.1);
        let (durable, log) = (&self.shared.durable, &self.shared.log);
        if let Some(info) = durable.info(log).await? {
            let checked = durable.check(log, &info).await;
            if let Err(error) = checked.and_then(|()| durable.check_pause(log, &info)) {
                if !error.is_retryable() {
                    self.messages = None;
                }
                return Err(error);
            }
            self.shared.in_flight().raise(info.floor());
        }
        Ok(())
    }

    /// Says that this process lives and has these in hand. If that works and the consumer delivers, the trouble is
    /// over.
    async fn live(&mut self) -> Result<(), StoreError> {
        let replies: Vec<_> = {
            let in_flight = self.shared.in_flight();
            in_flight
                .items()
                .map(|(_, item)| item.reply.clone())
                .collect()
        };
        for reply in replies {
            self.shared.answer(reply, "+WPI").await?;
        }
        // In case word from other processes was lost.
        let looked = match self.messages {
            Some(_) => self.look().await,
            None => Ok(()),
        };
        self.shared.parking.refresh().await?;
        looked?;
        let works = |(_, from): &(_, Instant)| Instant::now() >= *from;
        if self.messages.as_ref().is_some_and(works) && self.failing.take().is_some() {
            *locked(&self.shared.trouble) = None;
        }
        Ok(())
    }

    /// Hands over the events whose turn it is, and tells other processes what is done.
    async fn advance(&mut self) -> Result<(), StoreError> {
        loop {
            self.shared.finish().await?;
            self.turns.extend(self.shared.in_flight().ready());
            let Some(sequence) = self.turns.front().copied() else {
                break;
            };
            // A failed one keeps its place.
            self.turn(sequence).await?;
            self.turns.pop_front();
        }
        if self.shared.parking.take_changed()
            && let Err(error) = self.shared.tell(PARKED.into()).await
        {
            self.shared.parking.note_change();
            return Err(error);
        }
        self.shared.tell_done().await?;
        if !self.unchecked.is_empty() {
            self.shared.parking.refresh().await?;
            for sequence in std::mem::take(&mut self.unchecked) {
                self.checked(sequence);
            }
        }
        self.suspects.advance(&self.shared).await;
        Ok(())
    }

    async fn turn(&mut self, sequence: u64) -> Result<(), StoreError> {
        let (reply, needs_check) = {
            let in_flight = self.shared.in_flight();
            let Some(item) = in_flight.item(sequence) else {
                return Ok(());
            };
            let here = match item.before {
                Before::Nothing => true,
                Before::At(before) => self.shared.was_done_here(before),
                Before::All => false,
            };
            let needs_check = !here || item.deliveries > MAX_DELIVERIES;
            (item.item.is_none().then(|| item.reply.clone()), needs_check)
        };
        if let Some(reply) = reply {
            self.shared.done(sequence, reply).await?;
        } else if needs_check {
            self.unchecked.push(sequence);
        } else {
            self.shared.give(sequence);
        }
        Ok(())
    }

    fn checked(&mut self, sequence: u64) {
        let is_suspect = |item: &Delivered| {
            item.deliveries > MAX_DELIVERIES && matches!(item.item, Some(Item::Event(_)))
        };
        if self
            .shared
            .in_flight()
            .item(sequence)
            .is_some_and(is_suspect)
        {
            self.suspects.add(sequence);
        } else {
            self.shared.give(sequence);
        }
    }
}

fn before(message: &Stored) -> Before {
    match message.history().last() {
        Some(0) => Before::Nothing,
        Some(before) => Before::At(before),
        None => Before::All,
    }
}
