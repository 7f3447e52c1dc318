use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, Status};

/// The device is online.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceConnected {
    /// The device.
    pub device_id: DeviceId,
    /// Where it stood before: provisioned or disconnected.
    pub was: Status,
}
