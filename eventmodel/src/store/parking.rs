//! What automations have set aside: references to events, kept where a restart finds them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::engine::Parked;
use crate::record::{Position, Subject};

/// A parked event, and how far the events of its stream instance wait behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The reference.
    pub parked: Parked,
    /// The last event of the instance that is known to wait, or the parked one.
    pub last: Position,
    /// Who handles it again, if somebody does.
    pub claim: Option<Claim>,
    /// Which version this is; 0 before it is kept.
    pub revision: u64,
}

/// A process that handles what is parked again. Others leave it alone as long as it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which process.
    pub by: Arc<str>,
    /// Rises with each sign of life.
    pub beat: u64,
}

/// Where one automation keeps what it has parked on one log: one reference for each stream instance. All changes are
/// made in one step with the test that nobody has changed it meanwhile, so that several processes may share it.
#[async_trait]
pub trait Parking: Send + Sync + 'static {
    /// For how long a [`Claim`] without a sign of life counts; none, if nobody else can make one.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// All that is known here, without asking anybody.
    fn list(&self) -> Vec<Parked>;

    /// What is known here of an instance, without asking anybody. It knows of all that was parked before the event of
    /// this instance that its inbox gave last.
    fn peek(&self, subject: &Subject) -> Option<Kept>;

    /// What is kept of an instance, as of now.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError>;

    /// Keeps it in place of the version that it names. The new version; `None`, and no effect, if that is not the one
    /// that is kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may be kept.
    async fn keep(&self, kept: Kept) -> Result<Option<u64>, StoreError>;

    /// Forgets this version. `false`, and no effect, if it is not the one that is kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may be forgotten.
    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError>;
}

/// In this process: what was parked is found again because the automation sees the whole log again.
#[derive(Debug, Default)]
pub(crate) struct MemoryParking(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    kept: BTreeMap<Subject, Kept>,
    revision: u64,
}

impl MemoryParking {
    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn is_at(&self, subject: &Subject, revision: u64) -> bool {
        self.kept.get(subject).map_or(0, |kept| kept.revision) == revision
    }
}

#[async_trait]
impl Parking for MemoryParking {
    fn list(&self) -> Vec<Parked> {
        let places = self.places();
        places
            .kept
            .values()
            .map(|kept| kept.parked.clone())
            .collect()
    }

    fn peek(&self, subject: &Subject) -> Option<Kept> {
        self.places().kept.get(subject).cloned()
    }

    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError> {
        Ok(self.peek(subject))
    }

    async fn keep(&self, mut kept: Kept) -> Result<Option<u64>, StoreError> {
        let mut places = self.places();
        if !places.is_at(&kept.parked.subject, kept.revision) {
            return Ok(None);
        }
        places.revision += 1;
        kept.revision = places.revision;
        places.kept.insert(kept.parked.subject.clone(), kept);
        Ok(Some(places.revision))
    }

    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError> {
        let mut places = self.places();
        let is_at = places.is_at(subject, revision);
        if is_at {
            places.kept.remove(subject);
        }
        Ok(is_at)
    }
}
