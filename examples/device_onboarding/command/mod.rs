//! The blue post-its, one a file: each decides on where the device stands, and emits or rejects.

mod connect_device;
mod decommission_device;
mod disconnect_device;
mod provision_device;
mod register_device;
mod validate_device;

pub use connect_device::ConnectDevice;
pub use decommission_device::DecommissionDevice;
pub use disconnect_device::DisconnectDevice;
pub use provision_device::ProvisionDevice;
pub use register_device::RegisterDevice;
pub use validate_device::ValidateDevice;
