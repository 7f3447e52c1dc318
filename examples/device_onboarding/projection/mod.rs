//! The green post-its: what commands decide on, and what people look at.

mod device_lifecycle;
mod device_registry;
mod fleet_overview;

pub use device_lifecycle::DeviceLifecycle;
pub use device_registry::DeviceRegistry;
pub use fleet_overview::FleetOverview;
