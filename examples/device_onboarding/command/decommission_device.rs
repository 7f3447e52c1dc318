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
pub struct DecommissionDevice {
    /// The device.
    #[garde(dive)]
    pub device: DeviceId,
    /// Why, for whoever looks at the device later.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

impl Decide for DecommissionDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let was = device.in_service(&self.device)?;
        emit(DeviceDecommissioned {
            device: self.device.clone(),
            reason: self.reason.clone(),
            was,
        })
    }
}
