use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, FirmwareVersion, Status};

/// An operator looked at the device and it may not join, for now.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceValidationFailed {
    /// The device.
    pub device_id: DeviceId,
    /// What ran on it.
    pub firmware: FirmwareVersion,
    /// Why it may not join, for the operator.
    pub reason: String,
    /// Where it stood before: registered or refused.
    pub was: Status,
}
