//! Devices join a fleet: one event model, and all that it needs to run.
//!
//! A device registers itself, an operator validates it, a bot provisions it, it connects, and one day it is
//! decommissioned.
//!
//! | folder | on the board |
//! |---|---|
//! | `adapter` | the lanes on top: how the outside comes in, and how it is started |
//! | `command` | the blue post-its: what is asked for, decided on where the device stands |
//! | `model` | the row at the bottom, and the orange post-its in it: what has happened |
//! | `projection` | the green post-its: what commands decide on, what people look at |
//! | `automation` | the gear: what happens by itself |
//! | `bulk` | not on the board: a tool that brings many devices from a file |
//!
//! [`device_onboarding`] is the board itself, in the order of time. The README beside it says what the program can do,
//! and how long 100,000 devices take.
//!
//! ```
//! use device_onboarding::command::{RegisterDevice, ValidateDevice};
//! use device_onboarding::device_onboarding;
//! use device_onboarding::model::device::{DeviceId, FirmwareVersion};
//! use device_onboarding::projection::FleetOverview;
//! use eventmodel::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = device_onboarding().start(MemoryStore::new()).await?;
//! let register = RegisterDevice {
//!     device_id: DeviceId::new("sensor-1"),
//!     serial: None,
//!     mac: None,
//!     firmware: Some(FirmwareVersion::new("2.1.0")),
//! };
//! let first = app.execute(register.clone()).await?;
//! let again = app.execute(register).await?;
//! assert!(again.already_committed);
//! assert_eq!(again.position, first.position);
//!
//! let validate = ValidateDevice { device_id: DeviceId::new("sensor-1"), firmware: None };
//! let _ = app.execute(validate).await?;
//! app.settled().await?; // the bot has reacted
//! let fleet = app.view::<FleetOverview>().get(&()).await?.unwrap_or_default();
//! assert_eq!((fleet.total, fleet.provisioned), (1, 1));
//! # app.shutdown().await?;
//! # Ok(())
//! # }
//! ```

pub mod adapter;
pub mod automation;
pub mod bulk;
pub mod command;
pub mod model;
pub mod projection;

use eventmodel::{EventModel, Slice};

use automation::Provisioner;
use command::{
    ConnectDevice, DecommissionDevice, DisconnectDevice, RegisterDevice, ValidateDevice,
};
use projection::{DeviceRegistry, FleetOverview};

/// The board, in the order of time.
pub fn device_onboarding() -> EventModel {
    EventModel::new("device-onboarding")
        .slice(
            Slice::new("Device registers itself")
                .actor("Device")
                .screen("POST /devices")
                .command::<RegisterDevice>()
                .rule("a device is registered once")
                .rule("what is wrong with its data is said all at once"),
        )
        .slice(
            Slice::new("Operator validates the device")
                .actor("Operator")
                .screen("Device list")
                .view::<DeviceRegistry>()
                .command::<ValidateDevice>()
                .rule("the device is registered, and not validated yet")
                .rule("its firmware is known")
                .rule("firmware before 2.0.0 is refused; the device can be validated again after an update"),
        )
        .slice(
            Slice::new("Bot provisions the device")
                .actor("Bot")
                .automation::<Provisioner>()
                .rule("only after validation")
                .rule("once"),
        )
        .slice(
            Slice::new("Device connects")
                .actor("Device")
                .screen("Hub")
                .view::<DeviceRegistry>()
                .command::<ConnectDevice>()
                .rule("only when it is provisioned")
                .rule("once at a time"),
        )
        .slice(
            Slice::new("Device disconnects")
                .actor("Device")
                .screen("Hub")
                .command::<DisconnectDevice>()
                .rule("only when it is connected"),
        )
        .slice(
            Slice::new("Operator watches the fleet")
                .actor("Operator")
                .screen("Fleet overview")
                .view::<FleetOverview>(),
        )
        .slice(
            Slice::new("Operator decommissions the device")
                .actor("Operator")
                .screen("Device list")
                .view::<DeviceRegistry>()
                .command::<DecommissionDevice>()
                .rule("wherever the device stands")
                .rule("nothing happens to it afterwards"),
        )
}
