use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, HubId};

/// The device has a hub that it can connect to.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProvisioned {
    /// The device.
    pub device_id: DeviceId,
    /// The hub.
    pub hub: HubId,
}
