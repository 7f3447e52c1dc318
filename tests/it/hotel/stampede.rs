//! A store on which many commands decide at the same moment, on the same state.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eventmodel::record::Subject;
use eventmodel::store::{Load, Loaded};
use eventmodel::{MemoryStore, Store, StoreError};
use support::layer::Around;
use tokio::sync::Barrier;

/// Holds loads of one stream instance back until a number of them have arrived, so that none of their commands sees
/// what another one writes. Without that, commands on a store in memory hardly ever meet.
#[derive(Debug, Default)]
pub(crate) struct Stampede {
    store: MemoryStore,
    gate: Mutex<Option<Arc<Gate>>>,
}

#[derive(Debug)]
struct Gate {
    subject: &'static str,
    together: usize,
    arrived: AtomicUsize,
    barrier: Barrier,
}

impl Stampede {
    /// From now on: so many loads of this instance are let through together, those after them as they come.
    pub(crate) fn hold(&self, subject: &'static str, together: usize) {
        *self.gate.lock().unwrap() = Some(Arc::new(Gate {
            subject,
            together,
            arrived: AtomicUsize::new(0),
            barrier: Barrier::new(together),
        }));
    }

    fn gate(&self, subject: &Subject) -> Option<Arc<Gate>> {
        let gate = self.gate.lock().unwrap().clone();
        gate.filter(|gate| {
            subject.as_str() == gate.subject
                && gate.arrived.fetch_add(1, Ordering::Relaxed) < gate.together
        })
    }
}

#[async_trait]
impl Around for Stampede {
    fn inner(&self) -> &MemoryStore {
        &self.store
    }

    async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let gate = self.gate(&load.subject);
        let loaded = self.store.load(load).await;
        if let Some(gate) = gate {
            // Bounded, so that a test whose commands do not all come fails instead of hanging.
            let all = tokio::time::timeout(Duration::from_secs(60), gate.barrier.wait()).await;
            assert!(all.is_ok(), "fewer commands than expected load their state");
        }
        loaded
    }
}
