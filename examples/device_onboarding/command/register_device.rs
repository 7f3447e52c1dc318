use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    DeviceId, DeviceRegistered, DeviceRejection, FirmwareVersion, MacAddress, SerialNumber, Status,
};
use crate::projection::DeviceLifecycle;

/// A device makes itself known.
///
/// Its id follows from that of the device: a device that registers again, because it got no answer or because its
/// file was run twice, gets the first receipt again.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceRegistered),
    rejects = DeviceRejection,
    id = "{device_id}",
    garde
)]
#[serde(rename_all = "camelCase")]
pub struct RegisterDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// What the manufacturer printed on it.
    #[garde(dive)]
    pub serial: Option<SerialNumber>,
    /// The address of its network card.
    #[garde(dive)]
    pub mac: Option<MacAddress>,
    /// What runs on it.
    #[garde(dive)]
    pub firmware: Option<FirmwareVersion>,
}

impl Decide for RegisterDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let id = self.device_id.clone();
        match device.status {
            None => emit(DeviceRegistered {
                device_id: id,
                serial: self.serial.clone(),
                mac: self.mac.clone(),
                firmware: self.firmware.clone(),
            }),
            Some(Status::Decommissioned) => {
                reject(DeviceRejection::Decommissioned { device_id: id })
            }
            Some(_) => reject(DeviceRejection::AlreadyRegistered { device_id: id }),
        }
    }
}
