//! The task behind an inbox: takes what the consumer delivers, says that this process lives, and gives each event when
//! it has its turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::{Message, consumer::pull};
use eventmodel::{__limited as limited, StoreError, Trouble};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use super::order::{Arrival, Before, Item};
use super::{Shared, locked};
use crate::get::subject;
use crate::message::{Kind, Stored};

mod suspects;

/// How many messages are asked for at a time: few, so that all processes get some.
const BATCH: usize = 64;

/// How often a server says that it is there while there is nothing to read.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long the server waits for a message before it is asked again: so long it may also take a process for alive
/// whose machine is gone.
const EXPIRES: Duration = Duration::from_secs(10);

/// Between two attempts, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How long to wait for word of another process before the server is asked how far all are, and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// After so many deliveries an event is handled as the only one of its kind: it may be what ends the process.
const MAX_DELIVERIES: i64 = 5;

/// How long giving back may take.
const CLOSE: Duration = Duration::from_secs(2);

const PARKED: &str = "parked";

pub(super) struct Pump {
    shared: Arc<Shared>,
    /// What the consumer delivers, and since when.
    messages: Option<(pull::Stream, Instant)>,
    /// What others have done.
    told: Subscriber,
    sign_of_life: Interval,
    /// Whose turn it is.
    turns: VecDeque<u64>,
    /// Whose turn it is, if their instances are not parked.
    unchecked: Vec<u64>,
    suspects: VecDeque<u64>,
    /// When the suspects are looked at again, if that failed.
    suspects_at: Instant,
    poll: Duration,
    next_poll: Instant,
    /// Since when it fails, and the last pause.
    failing: Option<(Instant, Duration)>,
}

impl Pump {
    pub(super) fn new(shared: Arc<Shared>, told: Subscriber) -> Self {
        let mut sign_of_life = interval(shared.durable.ack_wait / 3);
        sign_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            shared,
            messages: None,
            told,
            sign_of_life,
            turns: VecDeque::new(),
            unchecked: Vec::new(),
            suspects: VecDeque::new(),
            suspects_at: Instant::now(),
            poll: POLL.0,
            next_poll: Instant::now(),
            failing: None,
        }
    }

    /// Goes on until the inbox is closed. Whatever is wrong may be mended.
    pub(super) async fn run(mut self) {
        let shared = self.shared.clone();
        let go_on = async {
            loop {
                match self.step().await {
                    Ok(()) => {}
                    Err(error) => self.failed(error).await,
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
                "what was in hand is handed over after a while only"
            );
        }
    }

    async fn step(&mut self) -> Result<(), StoreError> {
        self.shared.log.check()?;
        if self.messages.is_none() {
            self.connect().await?;
        }
        self.advance().await?;
        let is_waiting = self.shared.hand().is_waiting();
        let Some((messages, since)) = &mut self.messages else {
            return Ok(());
        };
        // One that is not there is noticed after two heartbeats.
        if since.elapsed() > 3 * HEARTBEAT {
            goes_on(&mut self.failing, &self.shared);
        }
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(message)) => {
                    goes_on(&mut self.failing, &self.shared);
                    self.take(message).await?;
                }
                Some(Err(error)) => return Err(self.lost(&error.to_string())),
                None => return Err(self.lost("it ended")),
            },
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

    async fn connect(&mut self) -> Result<(), StoreError> {
        let floor = self.shared.hand().floor();
        let consumer = self.shared.durable.open(&self.shared.log, floor).await?;
        let stream = consumer.stream().max_messages_per_batch(BATCH);
        let messages = stream.heartbeat(HEARTBEAT).expires(EXPIRES).messages();
        let messages = messages.await.map_err(|e| self.lost(&e.to_string()))?;
        self.messages = Some((messages, Instant::now()));
        Ok(())
    }

    /// Waits before another attempt. Says what is wrong if somebody has to mend it, or if it lasts longer than an answer
    /// may take.
    async fn failed(&mut self, mut error: StoreError) {
        let max = RETRY.1.min(self.shared.durable.ack_wait / 3);
        let first = (Instant::now(), RETRY.0.min(max));
        let again = |(since, pause): (Instant, Duration)| (since, (pause * 2).min(max));
        let (since, pause) = self.failing.map_or(first, again);
        self.failing = Some((since, pause));
        // A log that is another one now says more than that it has no such consumer.
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
            limited!(WARN, "the inbox of an automation does not go on", consumer, %error);
            let mut trouble = locked(&self.shared.trouble);
            let since = trouble.as_ref().map_or_else(Timestamp::now, |t| t.since);
            *trouble = Some(Trouble { since, error });
        }
        tokio::time::sleep(pause).await;
    }

    async fn take(&mut self, message: Message) -> Result<(), StoreError> {
        let info = message.info().map_err(StoreError::failed)?;
        let (sequence, deliveries) = (info.stream_sequence, info.delivered);
        let message = message.message;
        let Some(reply) = message.reply else {
            return Ok(());
        };
        let stored = Stored {
            subject: subject(&message.subject)?,
            sequence,
            headers: message.headers.unwrap_or_default(),
            payload: message.payload,
        };
        let kind = stored.kind();
        let before = match kind {
            Ok(Kind::Guard(_)) => Before::Nothing,
            _ => before(&stored),
        };
        let event = kind.and_then(|kind| match kind {
            Kind::Event => stored.event().map(Some),
            Kind::Copy(_) | Kind::Guard(_) => Ok(None),
        });
        let event = match event {
            Ok(event) => event.map(Ok),
            // It has its turn; the app says so, and parks it.
            Err(StoreError::Undecodable(error)) => Some(Err(error)),
            Err(error) => return Err(error),
        };
        let item = Item {
            reply: reply.clone(),
            before,
            event,
            deliveries,
        };
        if self.shared.hand().take(sequence, item) == Arrival::Done {
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
        let mut hand = self.shared.hand();
        for sequence in told.split(',').filter_map(|number| number.parse().ok()) {
            hand.heard(sequence);
        }
        Ok(())
    }

    /// Asks how far all processes are, and whether the consumer is still what it must be: one with another filter gives
    /// no sign that it skips events.
    async fn look(&mut self) -> Result<(), StoreError> {
        self.next_poll = Instant::now() + self.poll;
        self.poll = (self.poll * 2).min(POLL.1);
        let (durable, log) = (&self.shared.durable, &self.shared.log);
        if let Some(info) = durable.info(log).await? {
            durable.check(log, &info)?;
            self.shared.hand().raise(info.floor());
        }
        Ok(())
    }

    /// Says that this process lives and has these in hand.
    async fn live(&mut self) -> Result<(), StoreError> {
        let replies: Vec<_> = {
            let hand = self.shared.hand();
            hand.items().map(|(_, item)| item.reply.clone()).collect()
        };
        for reply in replies {
            self.shared.answer(reply, "+WPI").await?;
        }
        // What others have done and parked, should their word have been lost.
        self.look().await?;
        self.shared.parking.refresh().await
    }

    /// Gives what has its turn, and tells others what is done.
    async fn advance(&mut self) -> Result<(), StoreError> {
        loop {
            self.shared.finish().await?;
            self.turns.extend(self.shared.hand().ready());
            let Some(sequence) = self.turns.front().copied() else {
                break;
            };
            // One that fails keeps its place.
            self.turn(sequence).await?;
            self.turns.pop_front();
        }
        if self.shared.parking.take_changed()
            && let Err(error) = self.shared.tell(PARKED.into()).await
        {
            self.shared.parking.tell();
            return Err(error);
        }
        self.shared.tell_done().await?;
        if !self.unchecked.is_empty() {
            self.shared.parking.refresh().await?;
            for sequence in std::mem::take(&mut self.unchecked) {
                self.checked(sequence);
            }
        }
        if Instant::now() >= self.suspects_at
            && let Err(error) = self.next_suspect().await
        {
            // The other events do not wait for it.
            let consumer = &self.shared.durable.name;
            limited!(WARN, "an event that may end processes waits", consumer, %error);
            self.suspects_at = Instant::now() + self.shared.durable.ack_wait / 3;
        }
        Ok(())
    }

    async fn turn(&mut self, sequence: u64) -> Result<(), StoreError> {
        let (reply, needs_check) = {
            let hand = self.shared.hand();
            let Some(item) = hand.item(sequence) else {
                return Ok(());
            };
            let here = match item.before {
                Before::Nothing => true,
                Before::At(before) => self.shared.was_done_here(before),
                Before::All => false,
            };
            let needs_check = !here || item.deliveries > MAX_DELIVERIES;
            (
                item.event.is_none().then(|| item.reply.clone()),
                needs_check,
            )
        };
        if let Some(reply) = reply {
            self.shared.done(sequence, reply).await?;
        } else if needs_check {
            self.unchecked.push(sequence);
        } else {
            self.shared.give_event(sequence);
        }
        Ok(())
    }

    fn checked(&mut self, sequence: u64) {
        let is_suspect =
            |item: &Item| item.deliveries > MAX_DELIVERIES && matches!(item.event, Some(Ok(_)));
        if self.shared.hand().item(sequence).is_some_and(is_suspect) {
            self.suspects.push_back(sequence);
        } else {
            self.shared.give_event(sequence);
        }
    }
}

/// It delivers again, or still.
fn goes_on(failing: &mut Option<(Instant, Duration)>, shared: &Shared) {
    if failing.take().is_some() {
        *locked(&shared.trouble) = None;
    }
}

fn before(message: &Stored) -> Before {
    match message.history().last() {
        Some(0) => Before::Nothing,
        Some(before) => Before::At(before),
        None => Before::All,
    }
}
