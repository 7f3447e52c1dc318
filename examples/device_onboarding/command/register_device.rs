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
    id = "{device}",
    garde
)]
pub struct RegisterDevice {
    /// The device.
    #[garde(dive)]
    pub device: DeviceId,
    /// What the manufacturer printed on it.
    #[garde(dive)]
    #[serde(default)]
    pub serial: Option<SerialNumber>,
    /// The address of its network card.
    #[garde(dive)]
    #[serde(default)]
    pub mac: Option<MacAddress>,
    /// What runs on it.
    #[garde(dive)]
    #[serde(default)]
    pub firmware: Option<FirmwareVersion>,
}

impl Decide for RegisterDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let id = self.device.clone();
        match device.status {
            None => emit(DeviceRegistered {
                device: id,
                serial: self.serial.clone(),
                mac: self.mac.clone(),
                firmware: self.firmware.clone(),
            }),
            Some(Status::Decommissioned) => reject(DeviceRejection::Decommissioned { device: id }),
            Some(_) => reject(DeviceRejection::AlreadyRegistered { device: id }),
        }
    }
}
