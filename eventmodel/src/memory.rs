//! The store in memory: the reference for all others.

mod store;
mod views;

pub use store::MemoryStore;
pub use views::MemoryViews;
