//! Appending, until it is known whether it was stored.

use tokio::time::Instant;

use super::{Backoff, Execution, guarded};
use crate::Subject;
use crate::store::{Append, AppendError, Appended, StoreError};

impl Execution<'_> {
    /// Appends. An answer that was lost is looked into, for a bounded time.
    ///
    /// The same append is made again: it has the same ids and the same guards, so that at most one of them is
    /// stored. Only when a guard does not hold any more, and the command is not found, is it certain that none was
    /// stored nor will be.
    pub(super) async fn append(&self, append: &Append) -> Result<Appended, AppendError> {
        let mut deadline = None;
        let mut backoff = Backoff::for_lost_answers();
        let mut in_doubt: Option<String> = None;
        loop {
            let error = match self.app.store.append(append.clone()).await {
                Ok(appended) => {
                    // This execution itself stored it: its answer was lost the first time.
                    let ours = in_doubt.is_some() && !self.given_id;
                    let already_committed = appended.already_committed && !ours;
                    return Ok(Appended {
                        already_committed,
                        ..appended
                    });
                }
                Err(conflict @ AppendError::Conflict { .. }) if in_doubt.is_some() => {
                    match self.look_up(&guarded(append)).await {
                        Ok(Some(appended)) => {
                            return Ok(Appended {
                                already_committed: self.given_id,
                                ..appended
                            });
                        }
                        Ok(None) => return Err(conflict),
                        Err(error) if error.is_retryable() => error,
                        Err(error) => return Err(error),
                    }
                }
                Err(error) if error.is_retryable() => error,
                Err(error) => return Err(error),
            };
            if let AppendError::Unknown { reason } = &error {
                tracing::warn!(command = %self.command.id, %reason, "the answer to an append was lost");
                in_doubt = Some(reason.clone());
            }
            let now = Instant::now();
            if now >= *deadline.get_or_insert(now + self.app.options.resolve_within) {
                return Err(match in_doubt {
                    Some(reason) => AppendError::Unknown { reason },
                    None => error,
                });
            }
            backoff.wait().await;
        }
    }

    /// What was committed under the id of this command. Tried again for a bounded time while the store does not
    /// answer.
    pub(super) async fn look_up(
        &self,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let deadline = Instant::now() + self.app.options.resolve_within;
        let mut backoff = Backoff::for_lost_answers();
        loop {
            match self
                .app
                .store
                .committed(&self.route.log, &self.command, subjects)
                .await
            {
                Err(AppendError::Store(StoreError::Unavailable { .. }))
                    if Instant::now() < deadline =>
                {
                    backoff.wait().await;
                }
                other => return other,
            }
        }
    }
}
