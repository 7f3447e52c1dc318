//! Commands under an id that may have been used before: there may be a receipt already.
//!
//! Nearly always there is none, and the store often knows without asking anyone that there was none up to the
//! revisions that are decided on. What comes after these breaks the guards. So it is asked in earnest only where no
//! guard asks: before the sender is told no, or that nothing happened.

use futures_util::future::join;

use super::{ExecuteError, Execution, from_append};
use crate::model::ErasedSlot;
use crate::record::{Position, Receipt, Subject};
use crate::store::Append;

/// Whether the command was not executed for a reason that says nothing of an earlier execution.
pub(super) fn says_no<R>(error: &ExecuteError<R>) -> bool {
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

impl Execution<'_> {
    /// Loads the states; the receipt of the command instead, if it was committed before and that is known by now.
    pub(super) async fn start<R>(
        &self,
        slots: &mut [&mut dyn ErasedSlot],
    ) -> Result<Option<Receipt>, ExecuteError<R>> {
        if !self.given_id {
            return self.load(slots).await.map(|()| None);
        }
        // No guard finds out what an unguarded state has not seen.
        let unguarded = slots.iter().filter(|slot| !slot.guarded());
        let unguarded: Vec<_> = unguarded.map(|slot| slot.subject().clone()).collect();
        let (receipt, loaded) = if unguarded.is_empty() {
            (None, self.load(slots).await)
        } else {
            let first = slots.first().map(|slot| slot.subject().clone());
            let committed = self.committed(&unguarded, first.as_ref());
            let (committed, loaded) = join(committed, self.load(slots)).await;
            (committed?, loaded)
        };
        if receipt.is_some() {
            return Ok(receipt);
        }
        loaded?;
        let guarded = slots.iter().filter(|slot| slot.guarded());
        let guarded = guarded.map(|slot| (slot.subject(), slot.revision()));
        self.on_any(guarded, slots).await
    }

    /// The receipt of the command, if it was committed before on an instance that the append guards. Asked for each
    /// append: where a state has moved on, what the command did before may be in it, and the guards hold.
    pub(super) async fn on_guarded<R>(
        &self,
        append: &Append,
        slots: &[&mut dyn ErasedSlot],
    ) -> Result<Option<Receipt>, ExecuteError<R>> {
        if !self.given_id {
            return Ok(None);
        }
        let guards = append.guards().iter();
        let guarded = guards.map(|guard| (&guard.subject, guard.expected));
        self.on_any(guarded, slots).await
    }

    /// The receipt of the command, if it was committed before on one of these instances, each of which is guarded at
    /// this position.
    async fn on_any<'a, R>(
        &self,
        instances: impl Iterator<Item = (&'a Subject, Position)>,
        slots: &[&mut dyn ErasedSlot],
    ) -> Result<Option<Receipt>, ExecuteError<R>> {
        let (store, log, id) = (&self.app.store, &self.route.log, &self.command.id);
        let may_have = |(subject, until): &(&Subject, Position)| {
            *until != Position::START && !store.is_absent(log, subject, *until, id)
        };
        let instances = instances.filter(may_have);
        let instances: Vec<_> = instances.map(|(subject, _)| subject.clone()).collect();
        if instances.is_empty() {
            return Ok(None);
        }
        let first = slots.first().map(|slot| slot.subject());
        self.committed(&instances, first).await
    }

    /// The receipt of the command, if it was committed before. `keyed_by` is the instance of its first state.
    pub(super) async fn committed<R>(
        &self,
        instances: &[Subject],
        keyed_by: Option<&Subject>,
    ) -> Result<Option<Receipt>, ExecuteError<R>> {
        let appended = self.look_up(instances).await;
        let appended = appended.map_err(|error| from_append(error, &self.command.id, 0))?;
        Ok(appended.map(|appended| {
            let instance = keyed_by.unwrap_or_else(|| appended.events[0].subject());
            let instance = instance.clone();
            self.receipt(appended, &instance)
        }))
    }
}
