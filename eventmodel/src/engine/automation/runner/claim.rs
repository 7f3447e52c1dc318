//! Which process retries a parked instance: one, which writes its claim and its signs of life into the entry.
//!
//! No clocks of two machines are compared. A process counts as dead if another one sees no sign of it for the time of a
//! lease, by its own clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::{Runner, Step};
use crate::record::{Position, Subject};
use crate::store::{Claim, Kept};

/// How long giving back all claims may take.
const LET_GO: Duration = Duration::from_secs(2);

/// An instance that another process handles again.
pub(super) struct Awaited {
    /// Identifies the parked event: several may be parked on an instance one after the other.
    parked: (Position, Timestamp),
    claim: Claim,
    /// When the last sign of life was seen.
    since: Instant,
}

fn identity(kept: &Kept) -> (Position, Timestamp) {
    (kept.parked.position, kept.parked.since)
}

impl Runner {
    pub(super) fn has_claimed(&self, kept: &Kept) -> bool {
        let claim = kept.claim.as_ref();
        claim.is_some_and(|claim| claim.by == self.process)
    }

    /// Claims a parked instance for this process. `None` if nothing is parked, or another process has claimed it; this
    /// one then watches that process.
    pub(super) async fn claim(
        &mut self,
        subject: &Subject,
        silent: Option<&Claim>,
    ) -> Step<Option<Kept>> {
        loop {
            let Some(mut kept) = self.find(subject).await? else {
                return Ok(None);
            };
            if let Some(claim) = &kept.claim
                && claim.by != self.process
                && Some(claim) != silent
            {
                let awaited = Awaited {
                    parked: identity(&kept),
                    claim: claim.clone(),
                    since: Instant::now(),
                };
                self.awaited.insert(subject.clone(), awaited);
                return Ok(None);
            }
            kept.claim = Some(Claim {
                by: self.process.clone(),
                beat: 0,
            });
            if let Some(revision) = self.keep(&kept).await? {
                kept.revision = revision;
                return Ok(Some(kept));
            }
        }
    }

    /// Gives a sign of life, and checks those of other processes.
    pub(super) async fn live(&mut self, lease: Duration) -> Step {
        let mine: Vec<_> = self.retried.keys().cloned().collect();
        for subject in mine {
            self.beat(&subject).await?;
        }
        let others: Vec<_> = self.awaited.keys().cloned().collect();
        for subject in others {
            self.look_after(subject, lease).await?;
        }
        Ok(())
    }

    async fn beat(&mut self, subject: &Subject) -> Step {
        let Some(again) = self.retried.get(subject) else {
            return Ok(());
        };
        let mut kept = again.kept.clone();
        loop {
            if let Some(claim) = &mut kept.claim {
                claim.beat += 1;
            }
            let revision = self.keep(&kept).await?;
            match revision {
                Some(revision) => {
                    kept.revision = revision;
                    break;
                }
                // Others have let more events wait, or one has taken over, which the end of the retry notices.
                None => match self.find(subject).await? {
                    Some(now) if self.has_claimed(&now) => kept = now,
                    _ => return Ok(()),
                },
            }
        }
        if let Some(again) = self.retried.get_mut(subject) {
            again.kept = kept;
        }
        Ok(())
    }

    async fn look_after(&mut self, subject: Subject, lease: Duration) -> Step {
        let now = self.find(&subject).await?;
        let Some(awaited) = self.awaited.get_mut(&subject) else {
            return Ok(());
        };
        let silent = match now {
            // The other process handled it, or parked it again.
            None => None,
            Some(now) if identity(&now) != awaited.parked => None,
            Some(Kept {
                claim: Some(claim), ..
            }) if claim != awaited.claim => {
                (awaited.claim, awaited.since) = (claim, Instant::now());
                return Ok(());
            }
            Some(Kept { claim: Some(_), .. }) if awaited.since.elapsed() < lease => return Ok(()),
            // The other process has given back its claim, or is silent.
            Some(_) => Some(awaited.claim.clone()),
        };
        self.awaited.remove(&subject);
        match silent {
            Some(silent) => self.retry(subject, Some(&silent)).await,
            None => Ok(()),
        }
    }

    /// Gives back a claim, so that another process may handle the instance.
    pub(super) async fn unclaim(&self, mut kept: Kept) -> Step {
        let subject = kept.parked.subject.clone();
        loop {
            kept.claim = None;
            if self.keep(&kept).await?.is_some() {
                return Ok(());
            }
            match self.find(&subject).await? {
                Some(now) if self.has_claimed(&now) => kept = now,
                _ => return Ok(()),
            }
        }
    }

    /// Gives back all claims. A claim that cannot be given back ends for lack of signs of life.
    pub(super) async fn let_go(&mut self) {
        let claimed = std::mem::take(&mut self.retried);
        let letting = async {
            for again in claimed.into_values() {
                if self.unclaim(again.kept).await.is_err() {
                    return;
                }
            }
        };
        if timeout(LET_GO, letting).await.is_err() {
            tracing::warn!(
                automation = self.name(),
                "what it was to handle again is claimed for a while"
            );
        }
    }
}
