//! What several tasks share: locks, and questions that one of them asks for all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventmodel::StoreError;

/// Locks a mutex. A panic of another holder leaves nothing half done in it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One task asks, and all that wait meanwhile share its answer.
#[derive(Default)]
pub(crate) struct SingleFlight {
    /// Held by the one that asks; why the last one had no answer.
    asking: tokio::sync::Mutex<Option<StoreError>>,
    /// How often one had none.
    failures: AtomicU64,
}

impl SingleFlight {
    /// Asks, unless the answer is known by the time that it is our turn. One answer is for all who waited for it, also
    /// if there is none.
    pub(crate) async fn ask(
        &self,
        is_known: impl Fn() -> bool,
        question: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut failed = self.asking.lock().await;
        if is_known() {
            return Ok(());
        }
        if self.failures.load(Ordering::Relaxed) != failures
            && let Some(error) = &*failed
        {
            return Err(error.clone());
        }
        question.await.inspect_err(|error| {
            *failed = Some(error.clone());
            self.failures.fetch_add(1, Ordering::Relaxed);
        })
    }
}
