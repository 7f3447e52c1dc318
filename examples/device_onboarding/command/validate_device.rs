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
#[serde(rename_all = "camelCase")]
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
