//! The store in memory: the reference for all others, and what an app uses where a store keeps something nowhere else.

use std::sync::Arc;

use crate::store::{AuditTrail, InboxHost, LogInboxes, Store, ViewHost};

mod audit;
mod inbox;
mod store;
mod views;

pub use audit::MemoryAudit;
pub use store::MemoryStore;
pub use views::MemoryViews;

/// Where the views of a store are hosted.
pub fn views_of(store: &dyn Store) -> Arc<dyn ViewHost> {
    store.views().unwrap_or_else(|| Arc::new(MemoryViews))
}

/// Where a store keeps the progress of automations. In memory it is a new place each time, so that they see the whole log.
pub fn inboxes_of(store: &dyn Store) -> Arc<dyn InboxHost> {
    store
        .inboxes()
        .unwrap_or_else(|| Arc::new(LogInboxes::default()))
}

/// Where a store keeps its audit trail. In memory it is a new one each time.
pub fn audit_of(store: &dyn Store) -> Arc<dyn AuditTrail> {
    store
        .audit()
        .unwrap_or_else(|| Arc::new(MemoryAudit::default()))
}
