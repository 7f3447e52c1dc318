//! The entry that an executed command leaves in the audit trail.

use super::command::{Execution, Failed};
use super::error::ExecuteError;
use crate::record::Receipt;
use crate::store::{AuditEntry, AuditedEvent, Outcome};
use crate::trouble::excerpt;

pub(super) fn record(execution: &Execution<'_>, result: &Result<Receipt, Failed>) {
    let outcome = match result {
        Ok(receipt) => Outcome::Accepted {
            events: receipt
                .events
                .iter()
                .map(|event| AuditedEvent {
                    event_type: event.metadata().event_type.clone(),
                    position: event.position(),
                })
                .collect(),
            already_committed: receipt.already_committed,
        },
        Err(ExecuteError::Rejected(rejection)) => Outcome::Rejected {
            code: rejection.code().into(),
            message: excerpt(rejection.text()).into(),
        },
        Err(ExecuteError::Conflict { .. } | ExecuteError::Stale { .. }) => Outcome::Conflict,
        Err(error) => Outcome::Failed {
            message: excerpt(error.to_string()).into(),
        },
    };
    let app = execution.app;
    app.audit.record(AuditEntry {
        time: (app.options.clock)(),
        command: execution.command.name.clone(),
        id: execution.command.id.clone(),
        correlation_id: execution.correlation_id.clone(),
        causation_id: execution.options.causation_id.clone(),
        source: execution.source(),
        outcome,
    });
}
