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
pub struct ConnectDevice {
    /// The device.
    #[garde(dive)]
    pub device: DeviceId,
}

impl Decide for ConnectDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device)?;
        let id = self.device.clone();
        match status {
            Status::Provisioned | Status::Disconnected => emit(DeviceConnected {
                device: id,
                was: status,
            }),
            Status::Connected => reject(DeviceRejection::AlreadyConnected { device: id }),
            _ => reject(DeviceRejection::NotProvisioned { device: id, status }),
        }
    }
}
