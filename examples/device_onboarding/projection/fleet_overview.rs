use std::fmt;

use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::model::device::{
    DeviceConnected, DeviceDecommissioned, DeviceDisconnected, DeviceProvisioned, DeviceRegistered,
    DeviceValidated, DeviceValidationFailed, Status,
};

/// How many devices have which status. One instance, whatever the size of the fleet: an event that can follow
/// several statuses says which it was, so that nothing is remembered per device.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct FleetOverview {
    /// All devices that were ever registered.
    pub total: u64,
    /// Waiting for an operator.
    pub registered: u64,
    /// Not let in.
    pub refused: u64,
    /// Waiting for the bot.
    pub validated: u64,
    /// Never online yet.
    pub provisioned: u64,
    /// Online.
    pub connected: u64,
    /// Not online any more.
    pub disconnected: u64,
    /// Out of service.
    pub decommissioned: u64,
}

#[projection]
impl FleetOverview {
    fn registered(&mut self, _: &DeviceRegistered) {
        self.total += 1;
        self.registered += 1;
    }

    fn validated(&mut self, event: &DeviceValidated) {
        self.moved(event.was, Status::Validated);
    }

    fn validation_failed(&mut self, event: &DeviceValidationFailed) {
        self.moved(event.was, Status::Refused);
    }

    fn provisioned(&mut self, _: &DeviceProvisioned) {
        self.moved(Status::Validated, Status::Provisioned);
    }

    fn connected(&mut self, event: &DeviceConnected) {
        self.moved(event.was, Status::Connected);
    }

    fn disconnected(&mut self, _: &DeviceDisconnected) {
        self.moved(Status::Connected, Status::Disconnected);
    }

    fn decommissioned(&mut self, event: &DeviceDecommissioned) {
        self.moved(event.was, Status::Decommissioned);
    }
}

impl FleetOverview {
    fn moved(&mut self, from: Status, to: Status) {
        // Every event follows one that put the device where it was, so this stops at zero only for a log that was
        // cut; a view must not stop there.
        let before = self.count_mut(from);
        *before = before.saturating_sub(1);
        *self.count_mut(to) += 1;
    }

    fn count_mut(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Registered => &mut self.registered,
            Status::Refused => &mut self.refused,
            Status::Validated => &mut self.validated,
            Status::Provisioned => &mut self.provisioned,
            Status::Connected => &mut self.connected,
            Status::Disconnected => &mut self.disconnected,
            Status::Decommissioned => &mut self.decommissioned,
        }
    }
}

impl fmt::Display for FleetOverview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} device{}",
            self.total,
            if self.total == 1 { "" } else { "s" }
        )?;
        let counts = [
            (self.registered, Status::Registered),
            (self.refused, Status::Refused),
            (self.validated, Status::Validated),
            (self.provisioned, Status::Provisioned),
            (self.connected, Status::Connected),
            (self.disconnected, Status::Disconnected),
            (self.decommissioned, Status::Decommissioned),
        ];
        let there = counts.iter().filter(|(count, _)| *count > 0);
        for (n, (count, status)) in there.enumerate() {
            write!(f, "{} {count} {status}", if n == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::history::{
        connected, decommissioned, disconnected, provisioned, refused, registered, validated,
    };
    use eventmodel::testing::{IntoGiven, view_spec};

    #[test]
    fn a_device_is_counted_where_it_stands() {
        fn counts(history: impl IntoGiven, count: fn(&mut FleetOverview) -> &mut u64) {
            let mut expected = FleetOverview {
                total: 1,
                ..FleetOverview::default()
            };
            *count(&mut expected) = 1;
            view_spec::<FleetOverview>()
                .given(history)
                .then((), expected);
        }
        counts(registered(), |fleet| &mut fleet.registered);
        counts(refused(), |fleet| &mut fleet.refused);
        counts(validated(), |fleet| &mut fleet.validated);
        counts(provisioned(), |fleet| &mut fleet.provisioned);
        counts(connected(), |fleet| &mut fleet.connected);
        counts(disconnected(), |fleet| &mut fleet.disconnected);
        counts(decommissioned(), |fleet| &mut fleet.decommissioned);
    }

    #[test]
    fn the_counts_are_said_in_words() {
        let fleet = FleetOverview {
            total: 3,
            refused: 1,
            connected: 2,
            ..FleetOverview::default()
        };
        assert_eq!(fleet.to_string(), "3 devices: 1 refused, 2 connected");
        let one = FleetOverview {
            total: 1,
            validated: 1,
            ..FleetOverview::default()
        };
        assert_eq!(one.to_string(), "1 device: 1 validated");
        assert_eq!(FleetOverview::default().to_string(), "0 devices");
    }
}
