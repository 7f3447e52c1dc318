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
#[serde(rename_all = "camelCase")]
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
