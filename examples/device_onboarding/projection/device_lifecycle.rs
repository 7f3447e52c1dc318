use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    Device, DeviceConnected, DeviceDecommissioned, DeviceDisconnected, DeviceId, DeviceProvisioned,
    DeviceRegistered, DeviceRejection, DeviceValidated, DeviceValidationFailed, FirmwareVersion,
    Status,
};

/// What every command decides on: where the device stands. It is no view, so it holds no more than that.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct DeviceLifecycle {
    /// Where the device stands; nowhere as long as it is not registered.
    pub status: Option<Status>,
    /// What runs on it, as far as it is known.
    pub firmware: Option<FirmwareVersion>,
}

#[projection(key = Device)]
impl DeviceLifecycle {
    fn registered(&mut self, event: &DeviceRegistered) {
        self.status = Some(Status::Registered);
        self.firmware.clone_from(&event.firmware);
    }

    fn validated(&mut self, event: &DeviceValidated) {
        self.status = Some(Status::Validated);
        self.firmware = Some(event.firmware.clone());
    }

    fn validation_failed(&mut self, event: &DeviceValidationFailed) {
        self.status = Some(Status::Refused);
        self.firmware = Some(event.firmware.clone());
    }

    fn provisioned(&mut self, _: &DeviceProvisioned) {
        self.status = Some(Status::Provisioned);
    }

    fn connected(&mut self, _: &DeviceConnected) {
        self.status = Some(Status::Connected);
    }

    fn disconnected(&mut self, _: &DeviceDisconnected) {
        self.status = Some(Status::Disconnected);
    }

    fn decommissioned(&mut self, _: &DeviceDecommissioned) {
        self.status = Some(Status::Decommissioned);
    }
}

impl DeviceLifecycle {
    /// Where the device stands, if anything can still happen to it. Two rules of every command but the first.
    ///
    /// # Errors
    /// [`DeviceRejection::NotRegistered`], [`DeviceRejection::Decommissioned`].
    pub fn in_service(&self, device_id: &DeviceId) -> Result<Status, DeviceRejection> {
        let device_id = || device_id.clone();
        match self.status {
            None => Err(DeviceRejection::NotRegistered {
                device_id: device_id(),
            }),
            Some(Status::Decommissioned) => Err(DeviceRejection::Decommissioned {
                device_id: device_id(),
            }),
            Some(status) => Ok(status),
        }
    }
}
