use eventmodel::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, DeviceId, HubId};

/// The device has a hub that it can connect to.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[event(stream = Device)]
pub struct DeviceProvisioned {
    /// The device.
    pub device: DeviceId,
    /// The hub.
    pub hub: HubId,
}
