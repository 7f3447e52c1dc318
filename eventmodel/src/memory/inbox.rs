//! What automations still have to do, and what they have parked, in this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::record::Subject;
use crate::store::{InboxSpec, InboxStorage, Kept, LogInboxes, Progress, StoreError};

/// Keeps it as long as the inboxes live.
#[derive(Debug, Default)]
struct MemoryInboxes(Mutex<HashMap<InboxSpec, Place>>);

#[derive(Debug, Default)]
struct Place {
    progress: Progress,
    parked: BTreeMap<Subject, Kept>,
}

impl MemoryInboxes {
    fn at<T>(&self, spec: &InboxSpec, visit: impl FnOnce(&mut Place) -> T) -> T {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visit(places.entry(spec.clone()).or_default())
    }
}

impl Default for LogInboxes {
    /// Inboxes that keep what they know in memory.
    fn default() -> Self {
        Self::new(MemoryInboxes::default())
    }
}

#[async_trait]
impl InboxStorage for MemoryInboxes {
    async fn progress(&self, spec: &InboxSpec) -> Result<Progress, StoreError> {
        Ok(self.at(spec, |place| place.progress.clone()))
    }

    async fn save(&self, spec: &InboxSpec, progress: &Progress) -> Result<(), StoreError> {
        self.at(spec, |place| place.progress.clone_from(progress));
        Ok(())
    }

    async fn parked(&self, spec: &InboxSpec) -> Result<Vec<Kept>, StoreError> {
        Ok(self.at(spec, |place| place.parked.values().cloned().collect()))
    }

    async fn park(&self, spec: &InboxSpec, kept: &Kept) -> Result<(), StoreError> {
        let subject = kept.parked.subject.clone();
        self.at(spec, |place| place.parked.insert(subject, kept.clone()));
        Ok(())
    }

    async fn release(&self, spec: &InboxSpec, subject: &Subject) -> Result<(), StoreError> {
        self.at(spec, |place| place.parked.remove(subject));
        Ok(())
    }
}
