use eventmodel::automation;

use crate::command::ProvisionDevice;
use crate::model::device::{DeviceId, DeviceValidated, HubId};

/// Gives every device that was let in a hub.
#[derive(Clone, Debug)]
pub struct Provisioner {
    hubs: u64,
}

impl Default for Provisioner {
    fn default() -> Self {
        Self { hubs: 4 }
    }
}

#[automation]
impl Provisioner {
    fn validated(&self, event: &DeviceValidated) -> ProvisionDevice {
        ProvisionDevice {
            device_id: event.device_id.clone(),
            hub: hub_of(&event.device_id, self.hubs),
        }
    }
}

/// Always the same hub for a device, and about as many devices on each.
fn hub_of(device: &DeviceId, hubs: u64) -> HubId {
    // FNV-1a: the hasher of the standard library may change with the next one.
    let hash = device
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    HubId::new(format!("hub-{}", hash % hubs + 1))
}
