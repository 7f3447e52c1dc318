//! Suspects: events that several processes had in hand when they ended. The inbox gives them one at a time, so that the
//! one that ends processes is found and parked.

use std::collections::VecDeque;

use eventmodel::store::{Item, Kept, Parking};
use eventmodel::{__limited as limited, Parked, RecordedEvent, StoreError};
use jiff::Timestamp;
use tokio::time::Instant;

use super::in_flight::Delivered;
use super::parking::Verdict;
use super::shared::Shared;

/// After so many deliveries an event is a suspect.
pub(super) const MAX_DELIVERIES: i64 = 5;

/// The suspects that this process has in hand and has not given yet.
#[derive(Default)]
pub(super) struct Suspects {
    waiting: VecDeque<u64>,
    /// When to go on after a failure.
    retry_at: Option<Instant>,
}

impl Suspects {
    pub(super) fn add(&mut self, sequence: u64) {
        self.waiting.push_back(sequence);
    }

    /// Gives the next suspect. Other events do not wait for it.
    pub(super) async fn advance(&mut self, shared: &Shared) {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        if let Err(error) = self.next(shared).await {
            let consumer = &shared.durable.name;
            limited!(WARN, "an event that may end processes waits", consumer, %error);
            self.retry_at = Some(Instant::now() + shared.durable.ack_wait / 3);
        }
    }

    /// Gives one suspect and notes that: if the process ends again, this event did it.
    async fn next(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let suspect = *shared.suspect();
        if let Some(sequence) = suspect {
            if shared.in_flight().item(sequence).is_some() {
                return Ok(());
            }
            shared.parking.acquit(sequence).await?;
            *shared.suspect() = None;
        }
        while let Some(sequence) = self.waiting.front().copied() {
            let event = match shared.in_flight().item(sequence) {
                Some(Delivered {
                    item: Some(Item::Event(event)),
                    deliveries,
                    ..
                }) => Some((event.clone(), *deliveries)),
                _ => None,
            };
            let Some((event, deliveries)) = event else {
                self.waiting.pop_front();
                continue;
            };
            let parking = &shared.parking;
            if parking.peek(event.subject()).is_some() {
                shared.give(sequence);
            } else {
                match parking.note_suspect(sequence, deliveries).await? {
                    Verdict::Try => {
                        *shared.suspect() = Some(sequence);
                        self.waiting.pop_front();
                        shared.give(sequence);
                        return Ok(());
                    }
                    Verdict::Elsewhere => shared.in_flight().forget(sequence),
                    Verdict::Guilty => {
                        if !convict(shared, sequence, &event, deliveries).await? {
                            return Ok(());
                        }
                    }
                }
            }
            self.waiting.pop_front();
        }
        Ok(())
    }
}

/// Parks an event that ends processes; false if another process has parked it meanwhile.
async fn convict(
    shared: &Shared,
    sequence: u64,
    event: &RecordedEvent,
    deliveries: i64,
) -> Result<bool, StoreError> {
    let attempts = u32::try_from(deliveries - 1).unwrap_or(u32::MAX);
    let (automation, subject) = (shared.automation, event.subject().clone());
    limited!(
        ERROR,
        "parking an event that ends processes",
        automation,
        position = %event.position(),
        %subject,
        attempts
    );
    let parked = Parked::new(
        automation,
        shared.log.name.clone(),
        subject,
        event.position(),
        event.metadata().event_type.clone(),
        format!(
            "{attempts} processes ended, or were not heard of, while they had it in hand; the last one while it handled \
             it"
        ),
        attempts,
        Timestamp::now(),
    );
    let kept = Kept::new(parked, event.position());
    let parking = &shared.parking;
    if parking.keep(kept).await?.is_none() {
        // The next call looks at it again.
        parking.refresh().await?;
        return Ok(false);
    }
    let reply = shared.in_flight().item(sequence).map(|i| i.reply.clone());
    if let Some(reply) = reply {
        shared.done(sequence, reply).await?;
    }
    parking.acquit(sequence).await?;
    Ok(true)
}
