use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, FirmwareVersion, Status};

/// An operator let the device in.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceValidated {
    /// The device.
    pub device_id: DeviceId,
    /// What ran on it.
    pub firmware: FirmwareVersion,
    /// Where it stood before: registered or refused.
    pub was: Status,
}
