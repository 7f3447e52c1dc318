//! The store in memory: the reference for all others. An app also uses it for what its store does not keep.

use std::sync::Arc;

use crate::store::{AuditTrail, InboxHost, LogInboxes, Store, ViewHost};

mod audit;
mod inbox;
mod store;
mod views;

pub use audit::MemoryAudit;
pub use store::MemoryStore;
pub use views::MemoryViews;

/// The host of a store's views. *Default:* in memory.
pub fn views_of(store: &dyn Store) -> Arc<dyn ViewHost> {
    store.views().unwrap_or_else(|| Arc::new(MemoryViews))
}

/// Where a store keeps the progress of automations. *Default:* in memory, a new place at each call, so that they see the
/// whole log.
pub fn inboxes_of(store: &dyn Store) -> Arc<dyn InboxHost> {
    store
        .inboxes()
        .unwrap_or_else(|| Arc::new(LogInboxes::default()))
}

/// Where a store keeps its audit trail. *Default:* in memory, a new one at each call.
pub fn audit_of(store: &dyn Store) -> Arc<dyn AuditTrail> {
    store
        .audit()
        .unwrap_or_else(|| Arc::new(MemoryAudit::default()))
}
