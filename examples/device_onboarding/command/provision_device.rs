use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{DeviceId, DeviceProvisioned, DeviceRejection, HubId, Status};
use crate::projection::DeviceLifecycle;

/// Gives a device the hub that it connects to. The bot issues it.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceProvisioned),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// The hub.
    #[garde(dive)]
    pub hub: HubId,
}

impl Decide for ProvisionDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device_id)?;
        let id = self.device_id.clone();
        match status {
            Status::Validated => emit(DeviceProvisioned {
                device_id: id,
                hub: self.hub.clone(),
            }),
            Status::Registered | Status::Refused => reject(DeviceRejection::NotValidated {
                device_id: id,
                status,
            }),
            _ => reject(DeviceRejection::AlreadyProvisioned {
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
        connected, decommissioned, device_id, refused, registered, validated,
    };
    use eventmodel::testing::spec;

    fn provision() -> ProvisionDevice {
        ProvisionDevice {
            device_id: device_id(),
            hub: HubId::new("hub-1"),
        }
    }

    #[test]
    fn a_validated_device_is_provisioned() {
        spec::<ProvisionDevice>()
            .given(validated())
            .when(provision())
            .emits(DeviceProvisioned {
                device_id: device_id(),
                hub: HubId::new("hub-1"),
            });
    }

    #[test]
    fn a_device_is_provisioned_only_after_validation() {
        let not_validated = |status| DeviceRejection::NotValidated {
            device_id: device_id(),
            status,
        };
        spec::<ProvisionDevice>()
            .given(registered())
            .when(provision())
            .rejects(not_validated(Status::Registered));
        spec::<ProvisionDevice>()
            .given(refused())
            .when(provision())
            .rejects(not_validated(Status::Refused));
        spec::<ProvisionDevice>()
            .when(provision())
            .rejects(DeviceRejection::NotRegistered {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_device_is_provisioned_once() {
        spec::<ProvisionDevice>()
            .given(connected())
            .when(provision())
            .rejects(DeviceRejection::AlreadyProvisioned {
                device_id: device_id(),
                status: Status::Connected,
            });
    }

    #[test]
    fn a_decommissioned_device_is_not_provisioned() {
        spec::<ProvisionDevice>()
            .given(decommissioned())
            .when(provision())
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }
}
