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
#[serde(rename_all = "camelCase")]
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
