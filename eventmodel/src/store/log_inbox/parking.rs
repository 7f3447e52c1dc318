//! What an automation has parked, kept by a host that only stores: all of it is known here, and written through.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::InboxStorage;
use crate::record::Subject;
use crate::store::error::StoreError;
use crate::store::inbox::InboxSpec;
use crate::store::parking::{Kept, Parked, Parking};

/// For how long an app that handles an instance again may be silent, before another one does.
const LEASE: Duration = Duration::from_secs(30);

pub(super) struct StoredParking {
    spec: InboxSpec,
    storage: Arc<dyn InboxStorage>,
    places: Mutex<Places>,
    /// A version is tested and written in one step.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Places {
    kept: BTreeMap<Subject, Kept>,
    revision: u64,
}

impl Places {
    fn insert(&mut self, mut kept: Kept) -> u64 {
        self.revision += 1;
        kept.revision = self.revision;
        self.kept.insert(kept.parked.subject.clone(), kept);
        self.revision
    }
}

impl StoredParking {
    pub(super) async fn load(
        storage: &Arc<dyn InboxStorage>,
        spec: &InboxSpec,
    ) -> Result<Self, StoreError> {
        let mut places = Places::default();
        for mut kept in storage.parked(spec).await? {
            // Whoever claimed it has ended.
            kept.claim = None;
            places.insert(kept);
        }
        Ok(Self {
            spec: spec.clone(),
            storage: storage.clone(),
            places: Mutex::new(places),
            writing: tokio::sync::Mutex::default(),
        })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Parking for StoredParking {
    fn lease(&self) -> Duration {
        LEASE
    }

    fn list(&self) -> Vec<Parked> {
        let places = self.places();
        let kept = places.kept.values();
        kept.map(|kept| kept.parked.clone()).collect()
    }

    fn peek(&self, subject: &Subject) -> Option<Kept> {
        self.places().kept.get(subject).cloned()
    }

    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError> {
        Ok(self.peek(subject))
    }

    async fn keep(&self, kept: Kept) -> Result<Option<u64>, StoreError> {
        let _one = self.writing.lock().await;
        let known = self.peek(&kept.parked.subject);
        if known.as_ref().map_or(0, |known| known.revision) != kept.revision {
            return Ok(None);
        }
        // A sign of life is of no use after a restart.
        let is_new = |known: &Kept| (&known.parked, known.last) != (&kept.parked, kept.last);
        if known.as_ref().is_none_or(is_new) {
            self.storage.park(&self.spec, &kept).await?;
        }
        Ok(Some(self.places().insert(kept)))
    }

    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError> {
        let _one = self.writing.lock().await;
        let is_it = self.peek(subject).is_some_and(|k| k.revision == revision);
        if is_it {
            self.storage.release(&self.spec, subject).await?;
            self.places().kept.remove(subject);
        }
        Ok(is_it)
    }
}
