use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, Status};

/// The device is online.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
pub struct DeviceConnected {
    /// The device.
    pub device: DeviceId,
    /// Where it stood before: provisioned or disconnected.
    pub was: Status,
}
