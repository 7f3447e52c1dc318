//! Parking an event, letting the events behind it wait, and taking all of them again.
//!
//! Other processes may do the same at the same time. So every change names the version that it changes, and looks again
//! if the version has moved. A retry ends by forgetting the version that it has read up to. An event that another
//! process lets wait meanwhile makes a new version, so the retry reads that event, too.

use std::collections::VecDeque;

use futures_util::{FutureExt, StreamExt};

use super::{Done, PATIENCE, RETRY, Retried, Runner, Step, Stopping, Wait};
use crate::engine::automation::Parked;
use crate::engine::automation::handle::GivenUp;
use crate::engine::backoff::Backoff;
use crate::record::{Position, Subject};
use crate::store::{Claim, Item, Kept, Load, Read, StoreError};
use crate::trouble::limited;

impl Runner {
    /// Parks an event that was given up, with those that wait behind it, as a reference.
    ///
    /// # Errors
    /// The store failed; the reference may be kept. The same call finds out.
    pub(super) async fn park(
        &mut self,
        item: &Item,
        given_up: &GivenUp,
        behind: &VecDeque<Item>,
    ) -> Result<(), StoreError> {
        let GivenUp {
            error,
            attempts,
            since,
            ..
        } = given_up;
        let (automation, position, subject) = (self.name(), item.position(), item.subject());
        let retried = self.retried.get(subject);
        let mut kept = Kept {
            parked: Parked {
                automation,
                log: self.log.clone(),
                subject: subject.clone(),
                position,
                event_type: item.event_type().clone(),
                error: error.clone(),
                attempts: *attempts,
                since: *since,
                waiting: behind.len(),
            },
            last: behind.back().map_or(position, Item::position),
            claim: None,
            revision: 0,
        };
        let (waiting, last) = (behind.len(), kept.last);
        // This function writes no claim; an entry with a claim is being retried.
        let is_it = |found: &Kept| {
            found.claim.is_none()
                && (found.parked.position, found.parked.since) == (position, *since)
        };
        let mut found = retried.map(|again| again.kept.clone());
        loop {
            if let Some(found) = &found {
                // Events that others let wait meanwhile.
                let more = match retried {
                    // An earlier call kept it and its answer was lost. More events may wait behind it since.
                    _ if is_it(found) && found.last >= last => break,
                    _ if is_it(found) => 0,
                    Some(_) if !self.has_claimed(found) => break,
                    Some(again) => found.parked.waiting.saturating_sub(again.known.1),
                    None if found.parked.position <= position => break,
                    None => found.parked.waiting + 1,
                };
                kept.parked.waiting = waiting + more;
                kept.last = last.max(found.last);
            }
            kept.revision = found.map_or(0, |found| found.revision);
            if self.parking.keep(kept.clone()).await?.is_some() {
                break;
            }
            found = self.parking.find(subject).await?;
        }
        limited!(ERROR, "the event is parked", automation, %position, %subject, error);
        self.retried.remove(subject);
        self.shared.retried().remove(subject);
        Ok(())
    }

    /// Parks the event later, as soon as the store allows. Its instance waits; others go on.
    pub(super) fn park_later(&mut self, item: Item, mut given_up: GivenUp, error: &StoreError) {
        let (automation, position) = (self.name(), item.position());
        limited!(WARN, "an event cannot be parked yet", automation, %position, %error);
        let now = || (self.app.inner.options.clock)();
        let first = || (Wait::new(&self.shared, position, now()), RETRY);
        let (wait, pause) = given_up.waits.take().unwrap_or_else(first);
        wait.tell(error.to_string());
        self.parked_later += 1;
        self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            given_up.waits = Some((wait, (pause * 2).min(PATIENCE)));
            let result = Err(given_up);
            Done { item, result }
        });
    }

    /// Whether the item must wait behind a parked one. If so, it is noted there, and a retry finds it.
    pub(super) async fn waits_behind(&self, item: &Item) -> Step<bool> {
        let subject = item.subject();
        // This process has the instance in hand, or handles it again.
        if self.busy.contains_key(subject) {
            return Ok(false);
        }
        let mut found = self.parking.peek(subject);
        loop {
            let Some(mut kept) = found else {
                return Ok(false);
            };
            if item.position() <= kept.last {
                return Ok(true);
            }
            kept.parked.waiting += 1;
            kept.last = item.position();
            if self.keep(&kept).await?.is_some() {
                return Ok(true);
            }
            found = self.find(subject).await?;
        }
    }

    /// Takes a parked event and those behind it from the log again, unless another process does. A process whose claim
    /// is `silent` counts as dead.
    pub(super) async fn retry(&mut self, subject: Subject, silent: Option<&Claim>) -> Step {
        if self.busy.contains_key(&subject) || self.retried.contains_key(&subject) {
            return Ok(());
        }
        let Some(kept) = self.claim(&subject, silent).await? else {
            return Ok(());
        };
        let until = Position::new(kept.parked.position.get() - 1);
        self.shared.retried().insert(subject.clone());
        let known = (until, 0);
        let again = Retried { kept, until, known };
        self.retried.insert(subject.clone(), again);
        self.take_from_log(&subject).await?;
        if !self.busy.contains_key(&subject) {
            self.end_retry(&subject).await?;
        }
        Ok(())
    }

    /// Ends a retry after everything that was known to wait is handled: forgets the entry, or goes on with what is new.
    pub(super) async fn end_retry(&mut self, subject: &Subject) -> Step {
        while let Some(again) = self.retried.get(subject) {
            if again.kept.last <= again.known.0 {
                let release = || self.parking.release(subject, again.kept.revision);
                if self.patiently(release).await? {
                    break;
                }
                let now = self.find(subject).await?;
                let Some(now) = now.filter(|now| self.has_claimed(now)) else {
                    break;
                };
                if let Some(again) = self.retried.get_mut(subject) {
                    again.kept = now;
                }
            }
            self.take_from_log(subject).await?;
            if self.busy.contains_key(subject) {
                return Ok(());
            }
        }
        self.retried.remove(subject);
        self.shared.retried().remove(subject);
        Ok(())
    }

    async fn take_from_log(&mut self, subject: &Subject) -> Step {
        let Some(again) = self.retried.get_mut(subject) else {
            return Ok(());
        };
        again.known = (again.kept.last, again.kept.parked.waiting);
        let (kept, until) = (again.kept.clone(), again.until);
        let waiting = || {
            self.waiting(&kept, until).map(|items| match items {
                Err(error) if error.is_retryable() => Err(error),
                items => Ok(items),
            })
        };
        let items = match self.patiently(waiting).await? {
            Ok(items) => items,
            Err(error) => {
                tracing::error!(automation = self.name(), %subject, %error, "still parked");
                if let Some(again) = self.retried.remove(subject) {
                    self.unclaim(again.kept).await?;
                }
                self.shared.retried().remove(subject);
                return Ok(());
            }
        };
        // An event of several streams has its turn on its first stream.
        for item in items.into_iter().filter(|item| item.subject() == subject) {
            self.taken.insert(subject.clone(), item.position());
            if let Some(again) = self.retried.get_mut(subject) {
                again.until = item.position();
            }
            if self.concerns(&item) {
                self.queue(item);
            }
        }
        self.report();
        Ok(())
    }

    /// The parked item and those behind it, as far as they are after this position.
    async fn waiting(&self, kept: &Kept, until: Position) -> Result<Vec<Item>, StoreError> {
        let Kept { parked, last, .. } = kept;
        let store = &self.app.inner.store;
        let mut items = Vec::new();
        let mut after = until;
        if after < parked.position {
            let read = Read::new(self.log.clone())
                .after(after)
                .subjects(vec![(&parked.subject).into()]);
            let first = store.read(read).next().await.transpose()?;
            let first = first.filter(|item| item.position() == parked.position);
            items.push(first.ok_or_else(|| {
                let (log, position) = (&self.log, parked.position);
                StoreError::failed(format!(
                    "there is no event at position {position} of `{log}`"
                ))
            })?);
            after = parked.position;
        }
        let load = Load {
            log: self.log.clone(),
            subject: parked.subject.clone(),
            after,
            floor: *last,
            snapshot: None,
            commands: false,
        };
        items.extend(store.load(load).await?.items);
        Ok(items)
    }

    /// Stores an entry. Returns its new version, or `None` if another process has changed it.
    pub(super) async fn keep(&self, kept: &Kept) -> Step<Option<u64>> {
        self.patiently(|| self.parking.keep(kept.clone())).await
    }

    pub(super) async fn find(&self, subject: &Subject) -> Step<Option<Kept>> {
        self.patiently(|| self.parking.find(subject)).await
    }

    /// Repeats until it succeeds, whatever is wrong, or until the app stops: an item counts as done only after its
    /// parking is stored.
    async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Step<T> {
        let stop = &self.app.inner.stop;
        let mut backoff = Backoff::new(self.name(), RETRY, PATIENCE);
        let mut has_failed = false;
        loop {
            match attempt().await {
                Ok(done) => {
                    if has_failed {
                        self.goes_on();
                    }
                    return Ok(done);
                }
                Err(error) => {
                    self.failed(error);
                    has_failed = true;
                }
            }
            let waited = stop.run_until_cancelled(backoff.wait()).await;
            waited.ok_or(Stopping)?;
        }
    }
}
