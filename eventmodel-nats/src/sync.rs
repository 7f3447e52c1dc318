//! What tasks share: locks, and questions that one of them asks for all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventmodel::StoreError;

/// Locks a mutex. A panic of another holder leaves its value whole.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One task asks, and all that wait meanwhile share its answer.
#[derive(Default)]
pub(crate) struct SingleFlight {
    /// Held by the task that asks. It holds why the last question failed.
    asking: tokio::sync::Mutex<Option<StoreError>>,
    /// How many questions have failed.
    failures: AtomicU64,
}

impl SingleFlight {
    /// Asks, unless another task has learned the answer meanwhile. All that wait share one outcome, a failure too.
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
