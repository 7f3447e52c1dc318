use eventmodel::Rejection;
use serde::Serialize;

use super::{DeviceId, Status};

/// Why a command is refused: one variant per rule of the board.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
#[serde(rename_all_fields = "camelCase")]
pub enum DeviceRejection {
    /// A device is registered once.
    #[error("device {device_id} is registered already")]
    AlreadyRegistered {
        /// The device.
        device_id: DeviceId,
    },
    /// A device is registered before anything else happens to it.
    #[error("device {device_id} is not registered: register it first")]
    NotRegistered {
        /// The device.
        device_id: DeviceId,
    },
    /// A device is validated once.
    #[error("device {device_id} is validated already, it is {status}")]
    AlreadyValidated {
        /// The device.
        device_id: DeviceId,
        /// Where it stands.
        status: Status,
    },
    /// Whether a device may join depends on its firmware.
    #[error("the firmware of device {device_id} is not known: say which it runs")]
    FirmwareUnknown {
        /// The device.
        device_id: DeviceId,
    },
    /// A device is provisioned only after it was validated.
    #[error("device {device_id} is {status}: validate it first")]
    NotValidated {
        /// The device.
        device_id: DeviceId,
        /// Where it stands.
        status: Status,
    },
    /// A device is provisioned once.
    #[error("device {device_id} is provisioned already, it is {status}")]
    AlreadyProvisioned {
        /// The device.
        device_id: DeviceId,
        /// Where it stands.
        status: Status,
    },
    /// A device connects only when it is provisioned.
    #[error("device {device_id} is {status}: it connects when it is provisioned")]
    NotProvisioned {
        /// The device.
        device_id: DeviceId,
        /// Where it stands.
        status: Status,
    },
    /// A device is connected once at a time.
    #[error("device {device_id} is connected already")]
    AlreadyConnected {
        /// The device.
        device_id: DeviceId,
    },
    /// Only what is connected disconnects.
    #[error("device {device_id} is {status}, not connected")]
    NotConnected {
        /// The device.
        device_id: DeviceId,
        /// Where it stands.
        status: Status,
    },
    /// Nothing happens to a device after it was decommissioned.
    #[error("device {device_id} is decommissioned: nothing can happen to it any more")]
    Decommissioned {
        /// The device.
        device_id: DeviceId,
    },
}
