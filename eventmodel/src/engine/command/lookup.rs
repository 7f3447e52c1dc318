//! A command under an id that may have been used before: there may be a receipt already.
//!
//! Nearly always there is none, and the store often knows without asking anyone that there was none up to the
//! revisions that are decided on. What comes after these breaks the guards. So the engine asks the store in three places
//! only: for what no guard covers when it loads, for what the guards cover before it appends, and, where nothing is
//! appended, before the sender is told no or that nothing happened.

use super::{ExecuteError, Execution, Failed, from_append};
use crate::record::{Position, Receipt, Subject};

impl Execution<'_> {
    /// The receipt of the command, if it was committed before on one of these instances, each of which is guarded at
    /// this position.
    pub(super) async fn committed_before<'s>(
        &self,
        guarded: impl Iterator<Item = (&'s Subject, Position)>,
    ) -> Result<Option<Receipt>, Failed> {
        if !self.given_id {
            return Ok(None);
        }
        let (store, log, id) = (&self.app.store, &self.route.log, &self.command.id);
        let may_have = |(subject, until): &(&Subject, Position)| {
            *until != Position::START && !store.is_absent(log, subject, *until, id)
        };
        let instances = guarded.filter(may_have);
        let instances: Vec<_> = instances.map(|(subject, _)| subject.clone()).collect();
        self.committed_on(&instances).await
    }

    /// The receipt of the command, if it was committed before on one of these instances.
    pub(super) async fn committed_on(
        &self,
        instances: &[Subject],
    ) -> Result<Option<Receipt>, Failed> {
        if instances.is_empty() {
            return Ok(None);
        }
        let appended = self.look_up(instances).await;
        let appended = appended.map_err(|error| from_append(error, &self.command.id, 0))?;
        Ok(appended.map(|appended| self.receipt(appended)))
    }

    /// How the execution ended; the first receipt instead, if it was for no guard to find it.
    pub(super) async fn unless_committed(
        &self,
        result: Result<Receipt, Failed>,
    ) -> Result<Receipt, Failed> {
        let is_guarded = match &result {
            Ok(receipt) => !receipt.events.is_empty(),
            Err(error) => !says_no(error),
        };
        if !self.given_id || is_guarded {
            return result;
        }
        // The command itself may be in the state.
        match self.committed_on(&self.instances).await? {
            Some(receipt) => Ok(receipt),
            None => result,
        }
    }
}

/// Whether the command was not executed for a reason that says nothing of an earlier execution.
fn says_no(error: &Failed) -> bool {
    matches!(
        error,
        ExecuteError::Rejected(_)
            | ExecuteError::Stale { .. }
            | ExecuteError::Conflict { .. }
            | ExecuteError::Undecodable { .. }
            | ExecuteError::Panicked(_)
            | ExecuteError::Encode { .. }
    )
}
