use eventmodel::{Command, Decide, Decision, emit};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{DeviceDecommissioned, DeviceId, DeviceRejection};
use crate::projection::DeviceLifecycle;

/// An operator takes a device out of service, wherever it stands, for good.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceDecommissioned),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecommissionDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// Why, for whoever looks at the device later.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

impl Decide for DecommissionDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let was = device.in_service(&self.device_id)?;
        emit(DeviceDecommissioned {
            device_id: self.device_id.clone(),
            reason: self.reason.clone(),
            was,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::Status;
    use crate::model::device::history::{
        connected, decommissioned, device_id, refused, registered,
    };
    use eventmodel::testing::spec;

    fn decommission() -> DecommissionDevice {
        DecommissionDevice {
            device_id: device_id(),
            reason: "replaced".into(),
        }
    }

    fn gone(was: Status) -> DeviceDecommissioned {
        DeviceDecommissioned {
            device_id: device_id(),
            reason: "replaced".into(),
            was,
        }
    }

    #[test]
    fn a_device_is_decommissioned_wherever_it_stands() {
        spec::<DecommissionDevice>()
            .given(registered())
            .when(decommission())
            .emits(gone(Status::Registered));
        spec::<DecommissionDevice>()
            .given(refused())
            .when(decommission())
            .emits(gone(Status::Refused));
        spec::<DecommissionDevice>()
            .given(connected())
            .when(decommission())
            .emits(gone(Status::Connected));
    }

    #[test]
    fn a_device_that_is_not_there_or_gone_is_not_decommissioned() {
        spec::<DecommissionDevice>()
            .when(decommission())
            .rejects(DeviceRejection::NotRegistered {
                device_id: device_id(),
            });
        spec::<DecommissionDevice>()
            .given(decommissioned())
            .when(decommission())
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_reason_is_given() {
        spec::<DecommissionDevice>()
            .when(DecommissionDevice {
                device_id: device_id(),
                reason: String::new(),
            })
            .invalid(["reason"]);
        spec::<DecommissionDevice>()
            .when(DecommissionDevice {
                device_id: device_id(),
                reason: "é".repeat(501),
            })
            .invalid(["reason"]);
    }
}
