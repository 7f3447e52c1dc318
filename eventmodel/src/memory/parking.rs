//! What automations have set aside, in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::record::Subject;
use crate::store::{Kept, Parked, Parking, StoreError};

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
