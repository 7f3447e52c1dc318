use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, Status};

/// The device is out of service, for good.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceDecommissioned {
    /// The device.
    pub device_id: DeviceId,
    /// Why.
    pub reason: String,
    /// Where it stood before.
    pub was: Status,
}
