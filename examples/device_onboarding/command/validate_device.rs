use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    DeviceId, DeviceRejection, DeviceValidated, DeviceValidationFailed, FirmwareVersion, Status,
};
use crate::projection::DeviceLifecycle;

/// An operator looks at a device and lets it in, or not: that depends on its firmware.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceValidated, DeviceValidationFailed),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidateDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// What runs on it now, if that is not what it was registered with.
    #[garde(dive)]
    pub firmware: Option<FirmwareVersion>,
}

impl Decide for ValidateDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let was = device.in_service(&self.device_id)?;
        let id = self.device_id.clone();
        if !matches!(was, Status::Registered | Status::Refused) {
            return reject(DeviceRejection::AlreadyValidated {
                device_id: id,
                status: was,
            });
        }
        let Some(firmware) = self.firmware.as_ref().or(device.firmware.as_ref()).cloned() else {
            return reject(DeviceRejection::FirmwareUnknown { device_id: id });
        };
        match firmware.may_join() {
            Ok(()) => emit(DeviceValidated {
                device_id: id,
                firmware,
                was,
            }),
            Err(reason) => emit(DeviceValidationFailed {
                device_id: id,
                firmware,
                reason,
                was,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::DeviceRegistered;
    use crate::model::device::history::{
        decommissioned, device_id, firmware, old_firmware, provisioned, refused, registered,
    };
    use eventmodel::testing::spec;

    fn validate(firmware: Option<FirmwareVersion>) -> ValidateDevice {
        ValidateDevice {
            device_id: device_id(),
            firmware,
        }
    }

    #[test]
    fn a_device_with_a_current_firmware_is_let_in() {
        spec::<ValidateDevice>()
            .given(registered())
            .when(validate(None))
            .emits(DeviceValidated {
                device_id: device_id(),
                firmware: firmware(),
                was: Status::Registered,
            });
    }

    #[test]
    fn one_with_an_old_firmware_is_not() {
        spec::<ValidateDevice>()
            .given(registered())
            .when(validate(Some(old_firmware())))
            .emits(DeviceValidationFailed {
                device_id: device_id(),
                firmware: old_firmware(),
                reason: "firmware 1.9.3 is older than 2.0.0: update it and validate it again"
                    .into(),
                was: Status::Registered,
            });
    }

    #[test]
    fn a_refused_device_is_validated_again_after_an_update() {
        spec::<ValidateDevice>()
            .given(refused())
            .when(validate(Some(firmware())))
            .emits(DeviceValidated {
                device_id: device_id(),
                firmware: firmware(),
                was: Status::Refused,
            });
    }

    #[test]
    fn a_device_is_validated_once() {
        spec::<ValidateDevice>()
            .given(provisioned())
            .when(validate(None))
            .rejects(DeviceRejection::AlreadyValidated {
                device_id: device_id(),
                status: Status::Provisioned,
            });
    }

    #[test]
    fn a_device_is_not_validated_blindly() {
        spec::<ValidateDevice>()
            .given(DeviceRegistered {
                firmware: None,
                ..registered()
            })
            .when(validate(None))
            .rejects(DeviceRejection::FirmwareUnknown {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_device_that_is_not_there_or_gone_is_not_validated() {
        spec::<ValidateDevice>()
            .when(validate(None))
            .rejects(DeviceRejection::NotRegistered {
                device_id: device_id(),
            });
        spec::<ValidateDevice>()
            .given(decommissioned())
            .when(validate(None))
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }
}
