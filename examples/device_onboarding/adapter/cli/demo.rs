//! `--demo`: the story of the board, played by itself.

use std::io::{self, Write};
use std::process::ExitCode;

use eventmodel::{App, Decide, EventQuery, ExecuteError, ExecuteOptions, RecordedEvent, Rejection};
use futures_util::TryStreamExt;

use super::error::StoryError;
use super::{Ending, start};
use crate::command::{
    ConnectDevice, DecommissionDevice, DisconnectDevice, RegisterDevice, ValidateDevice,
};
use crate::model::device::{Device, DeviceId, FirmwareVersion, MacAddress, SerialNumber};
use crate::projection::FleetOverview;

pub(super) async fn run() -> Ending {
    let app = start().await?;
    play(&app, io::stdout().lock()).await?;
    app.shutdown().await?;
    Ok(ExitCode::SUCCESS)
}

type Played = Result<(), StoryError>;

async fn play(app: &App, out: impl Write) -> Played {
    let mut story = Story { app, out };
    story.registering().await?;
    story.validating().await?;
    story.connecting().await?;
    story.decommissioning().await
}

struct Story<'a, W> {
    app: &'a App,
    out: W,
}

fn sensor() -> DeviceId {
    DeviceId::new("sensor-1")
}

impl<W: Write> Story<'_, W> {
    async fn registering(&mut self) -> Played {
        self.heading("A device makes itself known")?;
        let register = RegisterDevice {
            device_id: sensor(),
            serial: Some(SerialNumber::new("SN-0001")),
            mac: None,
            firmware: Some(FirmwareVersion::new("1.9.3")),
        };
        self.does("Device", "registers", register.clone()).await?;
        self.does("Device", "got no answer, and sends it again", register)
            .await?;
        let nonsense = RegisterDevice {
            device_id: DeviceId::new("sensor 2 (roof)"),
            serial: Some(SerialNumber::new("?")),
            mac: Some(MacAddress::new("none")),
            firmware: Some(FirmwareVersion::new("latest")),
        };
        self.does(
            "Device",
            "registers, and everything is wrong with it",
            nonsense,
        )
        .await
    }

    async fn validating(&mut self) -> Played {
        self.heading("An operator validates it, the bot provisions it")?;
        let connect = ConnectDevice {
            device_id: sensor(),
        };
        self.does("Device", "tries to connect at once", connect)
            .await?;
        let validate = |firmware| ValidateDevice {
            device_id: sensor(),
            firmware,
        };
        self.does("Operator", "validates it", validate(None))
            .await?;
        let updated = Some(FirmwareVersion::new("2.1.0"));
        self.does(
            "Operator",
            "validates it again, after an update",
            validate(updated),
        )
        .await?;
        self.app.settled().await?;
        let events = EventQuery::new().of(&Device {
            device_id: sensor(),
        })?;
        let events: Vec<_> = self.app.events(events).try_collect().await?;
        self.who("Bot", "has seen it, and gives it a hub")?;
        self.events(
            events
                .iter()
                .filter(|event| event.metadata().causation_id.is_some()),
        )?;
        self.look_at_the_fleet().await
    }

    async fn connecting(&mut self) -> Played {
        self.heading("It connects")?;
        let device_id = sensor;
        self.does(
            "Device",
            "connects",
            ConnectDevice {
                device_id: device_id(),
            },
        )
        .await?;
        self.does(
            "Device",
            "connects again",
            ConnectDevice {
                device_id: device_id(),
            },
        )
        .await?;
        self.does(
            "Device",
            "disconnects",
            DisconnectDevice {
                device_id: device_id(),
            },
        )
        .await?;
        self.does(
            "Device",
            "comes back",
            ConnectDevice {
                device_id: device_id(),
            },
        )
        .await?;
        self.look_at_the_fleet().await
    }

    async fn decommissioning(&mut self) -> Played {
        self.heading("One day it is replaced")?;
        let decommission = DecommissionDevice {
            device_id: sensor(),
            reason: "replaced by sensor-7".into(),
        };
        self.does("Operator", "decommissions it", decommission)
            .await?;
        let connect = ConnectDevice {
            device_id: sensor(),
        };
        self.does("Device", "does not know, and connects", connect)
            .await?;
        let unknown = ConnectDevice {
            device_id: DeviceId::new("sensor-99"),
        };
        self.does("Device", "nobody knows tries, too", unknown)
            .await?;
        self.look_at_the_fleet().await
    }

    async fn does<C: Decide>(&mut self, who: &str, does: &str, command: C) -> Played {
        self.who(who, does)?;
        let options = ExecuteOptions::new().source(who);
        match self.app.execute_with(command, options).await {
            Ok(receipt) if receipt.already_committed => {
                let position = receipt.position;
                self.then(&format!(
                    "done before: the first receipt, at position {position}"
                ))?;
            }
            Ok(receipt) => self.events(&receipt.events)?,
            Err(ExecuteError::Rejected(rejection)) => {
                self.then(&format!("refused, {}: {rejection}", rejection.code()))?;
            }
            Err(ExecuteError::Invalid(violations)) => {
                for violation in &violations {
                    self.then(&format!("invalid, {violation}"))?;
                }
            }
            Err(error) => return Err(StoryError::Command(Box::new(error.erase()))),
        }
        Ok(())
    }

    async fn look_at_the_fleet(&mut self) -> Played {
        self.who("Operator", "looks at the fleet")?;
        self.app.settled().await?;
        let fleet = self
            .app
            .view::<FleetOverview>()
            .get(&())
            .await?
            .unwrap_or_default();
        self.then(&fleet.to_string())?;
        Ok(())
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}\n")
    }

    fn who(&mut self, who: &str, does: &str) -> io::Result<()> {
        writeln!(self.out, "{who:<9} {does}")
    }

    fn then(&mut self, what: &str) -> io::Result<()> {
        writeln!(self.out, "{:<9}   {what}", "")
    }

    fn events<'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e RecordedEvent>,
    ) -> io::Result<()> {
        for event in events {
            let payload = String::from_utf8_lossy(event.payload());
            self.then(&format!(
                "{:>2}  {:<22}  {payload}",
                event.position(),
                event.event_type()
            ))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_story_is_played_to_its_end() {
        let app = start().await.unwrap();
        let mut out = Vec::new();
        play(&app, &mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        for expected in [
            "done before",
            "invalid, deviceId",
            "refused, not-provisioned",
            "DeviceValidationFailed",
            "DeviceProvisioned",
            "refused, decommissioned",
            "refused, not-registered",
            "1 device: 1 decommissioned",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }
}
