use eventmodel::Stream;

use super::DeviceId;

/// What happened to one device.
#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[stream(log = "devices", subject = "device.{device_id}")]
pub struct Device {
    /// The device.
    pub device_id: DeviceId,
}
