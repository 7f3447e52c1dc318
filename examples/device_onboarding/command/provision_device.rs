use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{DeviceId, DeviceProvisioned, DeviceRejection, HubId, Status};
use crate::projection::DeviceLifecycle;

/// Gives a device the hub that it connects to. The bot issues it.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceProvisioned),
    rejects = DeviceRejection,
    garde
)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// The hub.
    #[garde(dive)]
    pub hub: HubId,
}

impl Decide for ProvisionDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let status = device.in_service(&self.device_id)?;
        let id = self.device_id.clone();
        match status {
            Status::Validated => emit(DeviceProvisioned {
                device_id: id,
                hub: self.hub.clone(),
            }),
            Status::Registered | Status::Refused => reject(DeviceRejection::NotValidated {
                device_id: id,
                status,
            }),
            _ => reject(DeviceRejection::AlreadyProvisioned {
                device_id: id,
                status,
            }),
        }
    }
}
