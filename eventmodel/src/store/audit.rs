//! The audit trail: every command that ended, and how.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::record::{CommandId, Position};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When it ended.
    pub time: Timestamp,
    /// The name of the command: `BookRoom`.
    pub command: Arc<str>,
    /// Its id.
    pub id: CommandId,
    /// Its correlation id.
    pub correlation_id: Arc<str>,
    /// What caused it: the id of an event, for an automation's command.
    pub causation_id: Option<Arc<str>>,
    /// Who sent it.
    pub source: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
}

impl AuditEntry {
    /// The entry of a command that nothing has caused.
    pub fn new(
        time: Timestamp,
        command: impl Into<Arc<str>>,
        id: CommandId,
        correlation_id: impl Into<Arc<str>>,
        source: impl Into<Arc<str>>,
        outcome: Outcome,
    ) -> Self {
        Self {
            time,
            command: command.into(),
            id,
            correlation_id: correlation_id.into(),
            causation_id: None,
            source: source.into(),
            outcome,
        }
    }

    /// What has caused it.
    #[must_use]
    pub fn causation_id(mut self, id: Option<Arc<str>>) -> Self {
        self.causation_id = id;
        self
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was accepted.
    Accepted {
        /// The events, their types and positions.
        events: Vec<AuditedEvent>,
        /// Whether it had been committed before, under the same id.
        already_committed: bool,
    },
    /// The domain refused it.
    Rejected {
        /// The code of the rejection: `already-booked`.
        code: Arc<str>,
        /// Its text.
        message: Arc<str>,
    },
    /// At each attempt others wrote first, or its instance was not at the expected revision.
    Conflict,
    /// It failed otherwise: it was invalid, its id was used before, its outcome is not known, the store failed.
    Failed {
        /// What happened.
        message: Arc<str>,
    },
}

/// An event of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedEvent {
    /// Its type.
    pub event_type: Arc<str>,
    /// Where it stands in its log.
    pub position: Position,
}

/// Which entries of the audit trail to get, the newest first. *Default:* all of them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditQuery {
    /// Only commands of this name.
    pub command: Option<String>,
    /// Only the command of this id.
    pub id: Option<CommandId>,
    /// Only what followed from this request.
    pub correlation_id: Option<String>,
    /// Only what ended at this time or later.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl AuditQuery {
    /// All entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only commands of this name: `BookRoom`.
    #[must_use]
    pub fn command(mut self, name: impl Into<String>) -> Self {
        self.command = Some(name.into());
        self
    }

    /// Only the command of this id.
    #[must_use]
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// Only what followed from this request.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Only what ended at this time or later.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// At most so many.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether it asks for this entry.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        let id = entry.id.as_str();
        self.asks_for(&entry.command, id, &entry.correlation_id, entry.time)
    }

    /// Whether it asks for an entry that has these.
    pub(crate) fn asks_for(
        &self,
        command: &str,
        id: &str,
        correlation_id: &str,
        time: Timestamp,
    ) -> bool {
        let is = |asked: Option<&str>, it: &str| asked.is_none_or(|asked| asked == it);
        is(self.command.as_deref(), command)
            && is(self.id.as_ref().map(CommandId::as_str), id)
            && is(self.correlation_id.as_deref(), correlation_id)
            && self.since.is_none_or(|since| since <= time)
    }
}

/// Where the audit trail is kept.
#[async_trait]
pub trait AuditTrail: Send + Sync + 'static {
    /// Notes how a command ended. It must not wait: the answer to the command comes after it.
    fn record(&self, entry: AuditEntry);

    /// The entries that the query asks for, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the trail cannot be read.
    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// Waits until what was noted is kept; bounded.
    async fn flush(&self) {}
}
