//! What automations have set aside: references to events, kept where a restart finds them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::record::{Position, Subject};

/// An event that an automation could not handle, set aside by reference. The later events of its stream instance
/// wait behind it; those of other instances go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parked {
    /// The automation.
    pub automation: &'static str,
    /// The log of the event.
    pub log: Arc<str>,
    /// The stream instance.
    pub subject: Subject,
    /// The position of the event.
    pub position: Position,
    /// The type of the event.
    pub event_type: Arc<str>,
    /// Why it could not be handled.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is parked.
    pub since: Timestamp,
    /// How many later events of the instance wait behind it.
    pub waiting: usize,
}

impl Parked {
    /// An event that an automation could not handle, with nothing behind it so far.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        automation: &'static str,
        log: Arc<str>,
        subject: Subject,
        position: Position,
        event_type: Arc<str>,
        error: String,
        attempts: u32,
        since: Timestamp,
    ) -> Self {
        Self {
            automation,
            log,
            subject,
            position,
            event_type,
            error,
            attempts,
            since,
            waiting: 0,
        }
    }
}

/// A parked event, and how far the events of its stream instance wait behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The reference.
    pub parked: Parked,
    /// The last event of the instance that is known to wait, or the parked one.
    pub last: Position,
    /// Who handles it again, if somebody does.
    pub claim: Option<Claim>,
    /// Which version this is; 0 before it is kept.
    pub revision: u64,
}

impl Kept {
    /// A parked event that nobody handles again yet, behind which its instance waits up to `last`.
    pub fn new(parked: Parked, last: Position) -> Self {
        Self {
            parked,
            last,
            claim: None,
            revision: 0,
        }
    }
}

/// A process that handles what is parked again. Others leave it alone as long as it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which process.
    pub by: Arc<str>,
    /// Rises with each sign of life.
    pub beat: u64,
}

/// Where one automation keeps what it has parked on one log: one reference for each stream instance. Each change takes
/// effect only if nobody has changed the reference meanwhile, so that several processes may share it.
#[async_trait]
pub trait Parking: Send + Sync + 'static {
    /// For how long a [`Claim`] without a sign of life counts.
    fn lease(&self) -> Duration;

    /// All that is known here, without asking anybody.
    fn list(&self) -> Vec<Parked>;

    /// What is known here of an instance, without asking anybody. It knows of all that was parked before the event of
    /// this instance that its inbox gave last.
    fn peek(&self, subject: &Subject) -> Option<Kept>;

    /// What is kept of an instance, as of now.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, subject: &Subject) -> Result<Option<Kept>, StoreError>;

    /// Keeps it in place of the version that it names. The new version; `None`, and no effect, if that is not the one
    /// that is kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may be kept.
    async fn keep(&self, kept: Kept) -> Result<Option<u64>, StoreError>;

    /// Forgets this version. `false`, and no effect, if it is not the one that is kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may be forgotten.
    async fn release(&self, subject: &Subject, revision: u64) -> Result<bool, StoreError>;
}
