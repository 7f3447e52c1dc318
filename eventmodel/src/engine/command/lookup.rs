//! Finds the receipt of a command whose id may have been used before.
//!
//! Nearly always there is none, and the store often knows so up to the revisions that are decided on, without asking a
//! server. Whatever comes after these breaks the guards. So the engine asks the store in three places only: when it
//! loads, about the instances that no guard covers; before it appends, about the guarded ones; and before it answers
//! with a rejection or with nothing, about all of them.

use super::{ExecuteError, Execution, Failed, from_append};
use crate::record::{Position, Receipt, Subject};

impl Execution<'_> {
    /// The receipt of the command, if it was committed before on one of these instances. Each is guarded at its
    /// position.
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
        if instances.is_empty() {
            return Ok(None);
        }
        self.committed_on(&instances).await
    }

    /// The receipt of the command, if it was committed before on one of these instances; a store with an index of ids
    /// finds it wherever it is.
    pub(super) async fn committed_on(
        &self,
        instances: &[Subject],
    ) -> Result<Option<Receipt>, Failed> {
        let appended = self.look_up(instances).await;
        let appended = appended.map_err(|error| from_append(error, &self.command.id, 0))?;
        Ok(appended.map(|appended| self.receipt(appended)))
    }

    /// The result of the execution; or the first receipt, if no guard could reveal an earlier execution.
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

/// Whether the reason for the failure leaves open that an earlier execution succeeded.
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
