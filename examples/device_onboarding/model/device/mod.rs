//! The one row of this board: what happened to each device, and the words that it is told in.

mod device_connected;
mod device_decommissioned;
mod device_disconnected;
mod device_id;
mod device_provisioned;
mod device_registered;
mod device_rejection;
mod device_validated;
mod device_validation_failed;
mod firmware_version;
#[cfg(test)]
pub(crate) mod history;
mod hub_id;
mod mac_address;
mod serial_number;
mod status;
mod stream;

pub use device_connected::DeviceConnected;
pub use device_decommissioned::DeviceDecommissioned;
pub use device_disconnected::DeviceDisconnected;
pub use device_id::DeviceId;
pub use device_provisioned::DeviceProvisioned;
pub use device_registered::DeviceRegistered;
pub use device_rejection::DeviceRejection;
pub use device_validated::DeviceValidated;
pub use device_validation_failed::DeviceValidationFailed;
pub use firmware_version::FirmwareVersion;
pub use hub_id::HubId;
pub use mac_address::MacAddress;
pub use serial_number::SerialNumber;
pub use status::Status;
pub use stream::Device;
