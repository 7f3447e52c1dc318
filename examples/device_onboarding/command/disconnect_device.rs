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
pub struct DisconnectDevice {
    /// The device.
    #[garde(dive)]
    pub device: DeviceId,
}

impl Decide for DisconnectDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device)?;
        let id = self.device.clone();
        match status {
            Status::Connected => emit(DeviceDisconnected { device: id }),
            _ => reject(DeviceRejection::NotConnected { device: id, status }),
        }
    }
}
