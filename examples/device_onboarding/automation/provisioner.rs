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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::history::{device_id, validated};
    use eventmodel::testing::automation_spec;

    #[test]
    fn a_device_that_was_let_in_is_given_a_hub() {
        automation_spec::<Provisioner>()
            .given(validated().1)
            .then(ProvisionDevice {
                device_id: device_id(),
                hub: HubId::new("hub-2"),
            });
    }

    #[test]
    fn devices_are_spread_over_the_hubs() {
        let mut devices = [0; 4];
        for number in 0..1000 {
            let hub = hub_of(&DeviceId::new(format!("sensor-{number}")), 4);
            let index = ["hub-1", "hub-2", "hub-3", "hub-4"]
                .iter()
                .position(|name| *name == hub.as_str());
            devices[index.unwrap()] += 1;
        }
        assert!(
            devices.iter().all(|count| (200..300).contains(count)),
            "{devices:?}"
        );
    }
}
