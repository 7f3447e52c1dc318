use eventmodel::{Metadata, projection};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    Device, DeviceConnected, DeviceDecommissioned, DeviceDisconnected, DeviceId, DeviceProvisioned,
    DeviceRegistered, DeviceValidated, DeviceValidationFailed, FirmwareVersion, HubId, MacAddress,
    SerialNumber, Status,
};

/// All that is known of a device, in one place.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRegistry {
    /// The device.
    pub device_id: Option<DeviceId>,
    /// Where it stands.
    pub status: Option<Status>,
    /// What the manufacturer printed on it.
    pub serial: Option<SerialNumber>,
    /// The address of its network card.
    pub mac: Option<MacAddress>,
    /// What runs on it.
    pub firmware: Option<FirmwareVersion>,
    /// The hub it connects to.
    pub hub: Option<HubId>,
    /// Why it was refused or decommissioned.
    pub reason: Option<String>,
    /// When it was registered.
    pub registered_at: Option<Timestamp>,
    /// When it got the status that it has.
    pub since: Option<Timestamp>,
    /// How often it has connected.
    pub connections: u64,
}

#[projection(key = Device)]
impl DeviceRegistry {
    fn registered(&mut self, event: &DeviceRegistered, meta: &Metadata) {
        self.device_id = Some(event.device_id.clone());
        self.serial.clone_from(&event.serial);
        self.mac.clone_from(&event.mac);
        self.firmware.clone_from(&event.firmware);
        self.registered_at = Some(meta.time);
        self.is_now(Status::Registered, meta);
    }

    fn validated(&mut self, event: &DeviceValidated, meta: &Metadata) {
        self.firmware = Some(event.firmware.clone());
        self.reason = None;
        self.is_now(Status::Validated, meta);
    }

    fn validation_failed(&mut self, event: &DeviceValidationFailed, meta: &Metadata) {
        self.firmware = Some(event.firmware.clone());
        self.reason = Some(event.reason.clone());
        self.is_now(Status::Refused, meta);
    }

    fn provisioned(&mut self, event: &DeviceProvisioned, meta: &Metadata) {
        self.hub = Some(event.hub.clone());
        self.is_now(Status::Provisioned, meta);
    }

    fn connected(&mut self, _: &DeviceConnected, meta: &Metadata) {
        self.connections += 1;
        self.is_now(Status::Connected, meta);
    }

    fn disconnected(&mut self, _: &DeviceDisconnected, meta: &Metadata) {
        self.is_now(Status::Disconnected, meta);
    }

    fn decommissioned(&mut self, event: &DeviceDecommissioned, meta: &Metadata) {
        self.reason = Some(event.reason.clone());
        self.is_now(Status::Decommissioned, meta);
    }
}

impl DeviceRegistry {
    fn is_now(&mut self, status: Status, meta: &Metadata) {
        self.status = Some(status);
        self.since = Some(meta.time);
    }
}
