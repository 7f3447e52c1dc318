//! The store in memory: the reference for all others, and what an app uses where a store keeps something nowhere else.

use std::sync::Arc;

use crate::store::{AuditTrail, InboxHost, Store, ViewHost};

mod audit;
mod inbox;
mod parking;
mod store;
mod views;

pub use audit::MemoryAudit;
pub use inbox::MemoryInboxes;
pub(crate) use parking::MemoryParking;
pub use store::MemoryStore;
pub use views::MemoryViews;

/// Where the views of a store are hosted.
pub fn views_of(store: &dyn Store) -> Arc<dyn ViewHost> {
    store.views().unwrap_or_else(|| Arc::new(MemoryViews))
}

/// Where a store keeps the progress of automations.
pub fn inboxes_of(store: &dyn Store) -> Arc<dyn InboxHost> {
    store.inboxes().unwrap_or_else(|| Arc::new(MemoryInboxes))
}

/// Where a store keeps its audit trail. In memory it is a new one each time.
pub fn audit_of(store: &dyn Store) -> Arc<dyn AuditTrail> {
    store
        .audit()
        .unwrap_or_else(|| Arc::new(MemoryAudit::default()))
}
