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
pub struct ValidateDevice {
    /// The device.
    #[garde(dive)]
    pub device: DeviceId,
    /// What runs on it now, if that is not what it was registered with.
    #[garde(dive)]
    #[serde(default)]
    pub firmware: Option<FirmwareVersion>,
}

impl Decide for ValidateDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let was = device.in_service(&self.device)?;
        let id = self.device.clone();
        if !matches!(was, Status::Registered | Status::Refused) {
            return reject(DeviceRejection::AlreadyValidated {
                device: id,
                status: was,
            });
        }
        let Some(firmware) = self.firmware.as_ref().or(device.firmware.as_ref()).cloned() else {
            return reject(DeviceRejection::FirmwareUnknown { device: id });
        };
        match firmware.may_join() {
            Ok(()) => emit(DeviceValidated {
                device: id,
                firmware,
                was,
            }),
            Err(reason) => emit(DeviceValidationFailed {
                device: id,
                firmware,
                reason,
                was,
            }),
        }
    }
}
