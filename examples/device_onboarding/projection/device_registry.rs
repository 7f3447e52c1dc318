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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::history::{
        connected, device_id, firmware, old_firmware, refused, validated,
    };
    use eventmodel::testing::view_spec;

    fn sensor() -> Device {
        Device {
            device_id: device_id(),
        }
    }

    /// The time of a spec that says none.
    fn start() -> Timestamp {
        "2000-01-01T00:00:00Z".parse().unwrap()
    }

    fn known(status: Status) -> DeviceRegistry {
        DeviceRegistry {
            device_id: Some(device_id()),
            status: Some(status),
            firmware: Some(firmware()),
            registered_at: Some(start()),
            since: Some(start()),
            ..DeviceRegistry::default()
        }
    }

    #[test]
    fn all_that_is_known_of_a_device_is_in_one_place() {
        let hub = Some(HubId::new("hub-1"));
        view_spec::<DeviceRegistry>()
            .given(connected())
            .then(
                sensor(),
                DeviceRegistry {
                    hub,
                    connections: 1,
                    ..known(Status::Connected)
                },
            )
            .then_nothing(Device {
                device_id: DeviceId::new("sensor-2"),
            });
    }

    #[test]
    fn it_says_why_a_device_was_refused_until_it_is_let_in() {
        view_spec::<DeviceRegistry>().given(refused()).then(
            sensor(),
            DeviceRegistry {
                firmware: Some(old_firmware()),
                reason: Some("too old".into()),
                ..known(Status::Refused)
            },
        );
        let validated = DeviceValidated {
            was: Status::Refused,
            ..validated().1
        };
        view_spec::<DeviceRegistry>()
            .given((refused(), validated))
            .then(sensor(), known(Status::Validated));
    }

    #[test]
    fn it_says_since_when_a_device_has_its_status() {
        let later: Timestamp = "2001-01-01T00:00:00Z".parse().unwrap();
        let gone = DeviceDecommissioned {
            device_id: device_id(),
            reason: "lost".into(),
            was: Status::Validated,
        };
        view_spec::<DeviceRegistry>()
            .given(validated())
            .at(later)
            .given(gone)
            .then(
                sensor(),
                DeviceRegistry {
                    reason: Some("lost".into()),
                    since: Some(later),
                    ..known(Status::Decommissioned)
                },
            );
    }
}
