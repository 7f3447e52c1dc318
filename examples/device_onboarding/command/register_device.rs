use eventmodel::{Command, Decide, Decision, emit, reject};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    DeviceId, DeviceRegistered, DeviceRejection, FirmwareVersion, MacAddress, SerialNumber, Status,
};
use crate::projection::DeviceLifecycle;

/// A device makes itself known.
///
/// Its id follows from that of the device: a device that registers again, because it got no answer or because its
/// file was run twice, gets the first receipt again.
#[derive(Command, Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[command(
    state = DeviceLifecycle,
    emits(DeviceRegistered),
    rejects = DeviceRejection,
    id = "{device_id}",
    garde
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterDevice {
    /// The device.
    #[garde(dive)]
    pub device_id: DeviceId,
    /// What the manufacturer printed on it.
    #[garde(dive)]
    pub serial: Option<SerialNumber>,
    /// The address of its network card.
    #[garde(dive)]
    pub mac: Option<MacAddress>,
    /// What runs on it.
    #[garde(dive)]
    pub firmware: Option<FirmwareVersion>,
}

impl Decide for RegisterDevice {
    fn decide(&self, device: &DeviceLifecycle) -> Decision<Self> {
        let id = self.device_id.clone();
        match device.status {
            None => emit(DeviceRegistered {
                device_id: id,
                serial: self.serial.clone(),
                mac: self.mac.clone(),
                firmware: self.firmware.clone(),
            }),
            Some(Status::Decommissioned) => {
                reject(DeviceRejection::Decommissioned { device_id: id })
            }
            Some(_) => reject(DeviceRejection::AlreadyRegistered { device_id: id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::history::{decommissioned, device_id, firmware, registered};
    use eventmodel::testing::spec;

    fn register() -> RegisterDevice {
        RegisterDevice {
            device_id: device_id(),
            serial: None,
            mac: None,
            firmware: Some(firmware()),
        }
    }

    #[test]
    fn a_new_device_is_registered() {
        spec::<RegisterDevice>()
            .when(register())
            .emits(registered());
    }

    #[test]
    fn a_device_is_registered_once() {
        spec::<RegisterDevice>()
            .given(registered())
            .when(register())
            .rejects(DeviceRejection::AlreadyRegistered {
                device_id: device_id(),
            });
    }

    #[test]
    fn a_decommissioned_device_does_not_come_back() {
        spec::<RegisterDevice>()
            .given(decommissioned())
            .when(register())
            .rejects(DeviceRejection::Decommissioned {
                device_id: device_id(),
            });
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_in_the_words_of_the_sender() {
        spec::<RegisterDevice>()
            .when(RegisterDevice {
                device_id: DeviceId::new("a.b"),
                serial: Some(SerialNumber::new("?")),
                mac: Some(MacAddress::new("?")),
                firmware: Some(FirmwareVersion::new("?")),
            })
            .invalid(["deviceId", "serial", "mac", "firmware"]);
        // The seed's device says nothing but its id.
        spec::<RegisterDevice>()
            .when(RegisterDevice {
                firmware: None,
                ..register()
            })
            .emits(DeviceRegistered {
                firmware: None,
                ..registered()
            });
    }

    #[test]
    fn its_id_follows_from_that_of_the_device() {
        assert_eq!(register().id().unwrap(), "register-device:sensor-1");
    }
}
