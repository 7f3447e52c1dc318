use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{DeviceDisconnected, DeviceId, DeviceRejection, Status};
use crate::projection::DeviceLifecycle;

/// A device goes offline. It may come back.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceDisconnected),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisconnectDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
}

impl Decide for DisconnectDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device_id)?;
        let id = self.device_id.clone();
        match status {
            Status::Connected => emit(DeviceDisconnected { device_id: id }),
            _ => reject(DeviceRejection::NotConnected {
                device_id: id,
                status,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::history::{
        connected, decommissioned, device_id, disconnected, provisioned,
    };
    use eventmodel::testing::spec;

    fn disconnect() -> DisconnectDevice {
        DisconnectDevice {
            device_id: device_id(),
        }
    }

    #[test]
    fn a_connected_device_disconnects() {
        spec::<DisconnectDevice>()
            .given(connected())
            .when(disconnect())
            .emits(DeviceDisconnected {
                device_id: device_id(),
            });
    }

    #[test]
    fn only_a_connected_device_disconnects() {
        let not_connected = |status| DeviceRejection::NotConnected {
            device_id: device_id(),
            status,
        };
        spec::<DisconnectDevice>()
            .given(provisioned())
            .when(disconnect())
            .rejects(not_connected(Status::Provisioned));
        spec::<DisconnectDevice>()
            .given(disconnected())
            .when(disconnect())
            .rejects(not_connected(Status::Disconnected));
        spec::<DisconnectDevice>()
            .when(disconnect())
            .rejects(DeviceRejection::NotRegistered {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_decommissioned_device_does_not_disconnect() {
        spec::<DisconnectDevice>()
            .given(decommissioned())
            .when(disconnect())
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }
}
