//! Appending until the outcome is known.

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::Execution;
use crate::engine::backoff::Backoff;
use crate::record::{Guard, Position, Subject};
use crate::store::{Append, AppendError, Appended, StoreError};
use crate::trouble::limited;

/// The fate of an append whose outcome was unknown.
enum Resolved {
    Stored(Appended),
    /// The store has not stored it and never will.
    NotStored,
    /// The store may still store it.
    Open,
}

impl Execution<'_> {
    /// Appends. After a lost answer, finds out the outcome within a bounded time.
    ///
    /// It repeats the same append, with the same ids and guards, so that the store takes it at most once. Only when a
    /// guard can never hold again and the command is not found, it is certain that the append was not and never will be
    /// stored.
    pub(super) async fn append(&self, append: &Append) -> Result<Appended, AppendError> {
        let mut failing_since = None;
        let mut backoff = Backoff::for_lost_answers(&self.command.id);
        let mut in_doubt: Option<String> = None;
        loop {
            let error = match self.app.store.append(append.clone()).await {
                Ok(appended) => {
                    // This execution itself stored it; only the first answer was lost.
                    let ours = in_doubt.is_some() && !self.given_id;
                    let already_committed = appended.already_committed && !ours;
                    return Ok(Appended {
                        already_committed,
                        ..appended
                    });
                }
                Err(conflict @ AppendError::Conflict { .. }) => {
                    let Some(doubt) = &in_doubt else {
                        return Err(conflict);
                    };
                    match self.resolve(append).await {
                        Ok(Resolved::Stored(appended)) => {
                            return Ok(Appended {
                                already_committed: self.given_id,
                                ..appended
                            });
                        }
                        Ok(Resolved::NotStored) => return Err(conflict),
                        Ok(Resolved::Open) => AppendError::Unknown {
                            reason: doubt.clone(),
                        },
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            // Nobody makes room within the time that a caller waits.
            if in_doubt.is_none() && matches!(error, AppendError::Store(StoreError::Full { .. })) {
                return Err(error);
            }
            if !error.is_retryable() {
                return Err(match (in_doubt, error) {
                    (None, error) | (_, error @ AppendError::IdReused { .. }) => error,
                    // An error says nothing about the attempts before it.
                    (Some(doubt), error) => AppendError::Unknown {
                        reason: format!("{doubt}; then: {error}"),
                    },
                });
            }
            if let AppendError::Unknown { reason } = &error {
                if in_doubt.is_none() {
                    let command = &self.command.id;
                    limited!(WARN, "the answer to an append was lost", %command, %reason);
                }
                in_doubt = Some(reason.clone());
            }
            let now = Instant::now();
            if now - *failing_since.get_or_insert(now) >= self.app.options.resolve_within {
                return Err(match in_doubt {
                    Some(reason) => AppendError::Unknown { reason },
                    None => error,
                });
            }
            backoff.wait().await;
        }
    }

    /// Whether an append was stored whose outcome was unknown and which then met a conflict.
    async fn resolve(&self, append: &Append) -> Result<Resolved, AppendError> {
        let revision = |guard: &Guard| {
            let subject = guard.subject.clone();
            async move { self.app.store.revision(append.log(), &subject).await }
        };
        let revisions = try_join_all(append.guards().iter().map(revision)).await?;
        let is_past = |(guard, revision): (&Guard, &Position)| *revision > guard.expected;
        // While its guards hold, the store may still store it. The order matters: an append that is not stored once a
        // guard is known to be broken never will be.
        if !append.guards().iter().zip(&revisions).any(is_past) {
            return Ok(Resolved::Open);
        }
        let guarded: Vec<_> = append.guards().iter().map(|g| g.subject.clone()).collect();
        Ok(match self.look_up(&guarded).await? {
            Some(appended) => Resolved::Stored(appended),
            None => Resolved::NotStored,
        })
    }

    /// What was committed under the id of this command. Asks again for a bounded time while the store does not answer.
    pub(super) async fn look_up(
        &self,
        subjects: &[Subject],
    ) -> Result<Option<Appended>, AppendError> {
        let started = Instant::now();
        let mut backoff = Backoff::for_lost_answers(&self.command.id);
        loop {
            match self
                .app
                .store
                .committed(&self.route.log, &self.command, subjects)
                .await
            {
                Err(AppendError::Store(StoreError::Unavailable { .. }))
                    if started.elapsed() < self.app.options.resolve_within =>
                {
                    backoff.wait().await;
                }
                other => return other,
            }
        }
    }
}
