use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, FirmwareVersion, MacAddress, SerialNumber};

/// A device made itself known.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRegistered {
    /// The device.
    pub device_id: DeviceId,
    /// What the manufacturer printed on it.
    pub serial: Option<SerialNumber>,
    /// The address of its network card.
    pub mac: Option<MacAddress>,
    /// What ran on it.
    pub firmware: Option<FirmwareVersion>,
}
