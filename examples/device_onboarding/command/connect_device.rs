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
#[serde(rename_all = "camelCase")]
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
