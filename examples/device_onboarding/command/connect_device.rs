use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{DeviceConnected, DeviceId, DeviceRejection, Status};
use crate::projection::DeviceLifecycle;

/// A device comes online at its hub.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceConnected),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
}

impl Decide for ConnectDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device_id)?;
        let id = self.device_id.clone();
        match status {
            Status::Provisioned | Status::Disconnected => emit(DeviceConnected {
                device_id: id,
                was: status,
            }),
            Status::Connected => reject(DeviceRejection::AlreadyConnected { device_id: id }),
            _ => reject(DeviceRejection::NotProvisioned {
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
        connected, decommissioned, device_id, disconnected, provisioned, registered, validated,
    };
    use eventmodel::testing::spec;

    fn connect() -> ConnectDevice {
        ConnectDevice {
            device_id: device_id(),
        }
    }

    #[test]
    fn a_provisioned_device_connects() {
        spec::<ConnectDevice>()
            .given(provisioned())
            .when(connect())
            .emits(DeviceConnected {
                device_id: device_id(),
                was: Status::Provisioned,
            });
    }

    #[test]
    fn a_device_that_was_gone_comes_back() {
        spec::<ConnectDevice>()
            .given(disconnected())
            .when(connect())
            .emits(DeviceConnected {
                device_id: device_id(),
                was: Status::Disconnected,
            });
    }

    #[test]
    fn a_device_connects_only_when_it_is_provisioned() {
        let not_provisioned = |status| DeviceRejection::NotProvisioned {
            device_id: device_id(),
            status,
        };
        spec::<ConnectDevice>()
            .given(registered())
            .when(connect())
            .rejects(not_provisioned(Status::Registered));
        spec::<ConnectDevice>()
            .given(validated())
            .when(connect())
            .rejects(not_provisioned(Status::Validated));
        spec::<ConnectDevice>()
            .when(connect())
            .rejects(DeviceRejection::NotRegistered {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_device_is_connected_once_at_a_time() {
        spec::<ConnectDevice>()
            .given(connected())
            .when(connect())
            .rejects(DeviceRejection::AlreadyConnected {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_decommissioned_device_does_not_connect() {
        spec::<ConnectDevice>()
            .given(decommissioned())
            .when(connect())
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }
}
