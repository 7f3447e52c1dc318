//! One at a time: events that may be what ends processes.

use eventmodel::{__limited as limited, Kept, Parked, Parking, StoreError};
use jiff::Timestamp;

use super::{Item, Pump};
use crate::inbox::parking::Verdict;

impl Pump {
    /// Events that several processes had in hand when they ended are given one at a time, and that is noted: if the
    /// process ends again, it was this one.
    pub(super) async fn next_suspect(&mut self) -> Result<(), StoreError> {
        let suspect = *self.shared.suspect();
        if let Some(sequence) = suspect {
            if self.shared.hand().item(sequence).is_some() {
                return Ok(());
            }
            self.shared.parking.acquit(sequence).await?;
            *self.shared.suspect() = None;
        }
        while let Some(sequence) = self.suspects.front().copied() {
            let event = match self.shared.hand().item(sequence) {
                Some(Item {
                    event: Some(Ok(event)),
                    deliveries,
                    ..
                }) => Some((event.clone(), *deliveries)),
                _ => None,
            };
            let Some((event, deliveries)) = event else {
                self.suspects.pop_front();
                continue;
            };
            let parking = &self.shared.parking;
            if parking.peek(event.subject()).is_some() {
                self.shared.give_event(sequence);
            } else {
                match parking.suspect(sequence, deliveries).await? {
                    Verdict::Try => {
                        *self.shared.suspect() = Some(sequence);
                        self.suspects.pop_front();
                        self.shared.give_event(sequence);
                        return Ok(());
                    }
                    Verdict::Elsewhere => self.shared.hand().forget(sequence),
                    Verdict::Guilty => {
                        if !self.convict(sequence, &event, deliveries).await? {
                            return Ok(());
                        }
                    }
                }
            }
            self.suspects.pop_front();
        }
        Ok(())
    }

    /// Parks an event that ends processes.
    async fn convict(
        &self,
        sequence: u64,
        event: &eventmodel::RecordedEvent,
        deliveries: i64,
    ) -> Result<bool, StoreError> {
        let attempts = u32::try_from(deliveries - 1).unwrap_or(u32::MAX);
        let (automation, subject) = (self.shared.automation, event.subject().clone());
        limited!(
            ERROR,
            "the event ends processes: parked",
            automation,
            position = %event.position(),
            %subject,
            attempts
        );
        let kept = Kept {
            parked: Parked {
                automation,
                log: self.shared.log.name.clone(),
                subject,
                position: event.position(),
                event_type: event.metadata().event_type.clone(),
                error: format!(
                    "{attempts} processes ended, or were not heard of, while they had it in hand; the last one while \
                     it handled it"
                ),
                attempts,
                since: Timestamp::now(),
                waiting: 0,
            },
            last: event.position(),
            claim: None,
            revision: 0,
        };
        let parking = &self.shared.parking;
        if parking.keep(kept).await?.is_none() {
            // Somebody has parked it meanwhile: looked at again.
            parking.refresh().await?;
            return Ok(false);
        }
        let reply = self.shared.hand().item(sequence).map(|i| i.reply.clone());
        if let Some(reply) = reply {
            self.shared.done(sequence, reply).await?;
        }
        parking.acquit(sequence).await?;
        Ok(true)
    }
}
