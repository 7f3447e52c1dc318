//! What has happened to a device that stands here or there: what specs begin with.

use eventmodel::testing::IntoGiven;

use super::{
    DeviceConnected, DeviceDecommissioned, DeviceDisconnected, DeviceId, DeviceProvisioned,
    DeviceRegistered, DeviceValidated, DeviceValidationFailed, FirmwareVersion, HubId, Status,
};

/// The device of the specs.
pub(crate) fn device_id() -> DeviceId {
    DeviceId::new("sensor-1")
}

/// A firmware that may join.
pub(crate) fn firmware() -> FirmwareVersion {
    FirmwareVersion::new("2.1.0")
}

/// One that may not.
pub(crate) fn old_firmware() -> FirmwareVersion {
    FirmwareVersion::new("1.9.3")
}

pub(crate) fn registered() -> DeviceRegistered {
    DeviceRegistered {
        device_id: device_id(),
        serial: None,
        mac: None,
        firmware: Some(firmware()),
    }
}

pub(crate) fn refused() -> (DeviceRegistered, DeviceValidationFailed) {
    let failed = DeviceValidationFailed {
        device_id: device_id(),
        firmware: old_firmware(),
        reason: "too old".into(),
        was: Status::Registered,
    };
    (registered(), failed)
}

pub(crate) fn validated() -> (DeviceRegistered, DeviceValidated) {
    let validated = DeviceValidated {
        device_id: device_id(),
        firmware: firmware(),
        was: Status::Registered,
    };
    (registered(), validated)
}

pub(crate) fn provisioned() -> impl IntoGiven {
    let provisioned = DeviceProvisioned {
        device_id: device_id(),
        hub: HubId::new("hub-1"),
    };
    (validated(), provisioned)
}

pub(crate) fn connected() -> impl IntoGiven {
    let connected = DeviceConnected {
        device_id: device_id(),
        was: Status::Provisioned,
    };
    (provisioned(), connected)
}

pub(crate) fn disconnected() -> impl IntoGiven {
    (
        connected(),
        DeviceDisconnected {
            device_id: device_id(),
        },
    )
}

pub(crate) fn decommissioned() -> impl IntoGiven {
    let decommissioned = DeviceDecommissioned {
        device_id: device_id(),
        reason: "replaced".into(),
        was: Status::Connected,
    };
    (connected(), decommissioned)
}
