//! Where devices are onboarded to: an app in this process, or a server.

use eventmodel::record::InvalidCommandId;
use eventmodel::{App, ExecuteError, ExecuteOptions, Failure, Receipt};

use super::server::Server;
use super::{Outcome, WrongLine};
use crate::command::{RegisterDevice, ValidateDevice};
use crate::model::device::{DeviceId, DeviceValidationFailed};
use crate::projection::FleetOverview;

/// Where devices are onboarded to.
#[derive(Clone, Debug)]
pub enum Target {
    /// An app in this process.
    App(App),
    /// A running server.
    Server(Server),
}

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(pub(super) String);

/// How a target answered a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done, now or before.
    Receipt {
        already_committed: bool,
        /// Why the device may not join, if that is what was found.
        validation_failed: Option<String>,
    },
    /// It was not done, and would not be if it were sent again.
    Refusal { code: String, message: String },
}

/// The id of the command that validates a device for an onboarding, so that it is done once however often its line
/// is run. Registering needs none: the id of [`RegisterDevice`] follows from the device.
pub(super) fn validation_id(device: &DeviceId) -> String {
    format!("onboard/{device}")
}

impl Target {
    /// Registers a device and has it validated. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`TargetError`] if there was no answer. It can be done again.
    pub async fn onboard(&self, device: RegisterDevice) -> Result<Outcome, TargetError> {
        let id = device.device_id.clone();
        match self.register(device).await? {
            Answer::Receipt { .. } => {}
            // Someone has registered it under an id of their own.
            Answer::Refusal { code, .. } if code == "already-registered" => {}
            Answer::Refusal { message, .. } => return Ok(wrong(message)),
        }
        Ok(match self.validate(&id).await? {
            Answer::Receipt {
                validation_failed: Some(reason),
                ..
            } => Outcome::Refused(reason),
            Answer::Receipt {
                already_committed: false,
                ..
            } => Outcome::Onboarded,
            Answer::Receipt {
                already_committed: true,
                ..
            } => Outcome::AlreadyThere,
            // Someone else has validated it.
            Answer::Refusal { code, .. } if code == "already-validated" => Outcome::AlreadyThere,
            Answer::Refusal { message, .. } => wrong(message),
        })
    }

    /// The fleet. An app answers when its bot has provisioned every validated device; a server may be a moment behind.
    ///
    /// # Errors
    /// [`TargetError`] if there was no answer.
    pub async fn fleet(&self) -> Result<FleetOverview, TargetError> {
        match self {
            Self::App(app) => {
                app.settled().await.map_err(stop)?;
                let fleet = app.view::<FleetOverview>().get(&()).await.map_err(stop)?;
                Ok(fleet.unwrap_or_default())
            }
            Self::Server(server) => server.fleet().await,
        }
    }

    async fn register(&self, device: RegisterDevice) -> Result<Answer, TargetError> {
        match self {
            Self::App(app) => {
                let result = app.execute(device).await;
                answer(result.map_err(ExecuteError::erase))
            }
            Self::Server(server) => server.register(&device).await,
        }
    }

    async fn validate(&self, device_id: &DeviceId) -> Result<Answer, TargetError> {
        match self {
            Self::App(app) => {
                let options = ExecuteOptions::new().try_id(&validation_id(device_id));
                let options = options.map_err(|error: InvalidCommandId| stop(error))?;
                let command = ValidateDevice {
                    device_id: device_id.clone(),
                    firmware: None,
                };
                let result = app.execute_with(command, options).await;
                answer(result.map_err(ExecuteError::erase))
            }
            Self::Server(server) => server.validate(device_id).await,
        }
    }
}

fn wrong(message: String) -> Outcome {
    Outcome::Wrong(WrongLine::NotTaken(message))
}

fn stop(error: impl std::fmt::Display) -> TargetError {
    TargetError(error.to_string())
}

fn answer(result: Result<Receipt, Failure>) -> Result<Answer, TargetError> {
    match result {
        Ok(receipt) => Ok(Answer::Receipt {
            already_committed: receipt.already_committed,
            validation_failed: receipt.events.iter().find_map(|event| {
                let failed = event.decode::<DeviceValidationFailed>().ok()?;
                Some(failed.reason.clone())
            }),
        }),
        Err(ExecuteError::Rejected(rejection)) => Ok(Answer::Refusal {
            code: rejection.code,
            message: rejection.message,
        }),
        Err(ExecuteError::Invalid(violations)) => Ok(Answer::Refusal {
            code: "invalid".into(),
            message: violations.to_string(),
        }),
        Err(ExecuteError::IdReused { .. }) => Ok(Answer::Refusal {
            code: "id-reused".into(),
            message: OTHER_DATA.into(),
        }),
        Err(error) => Err(stop(error)),
    }
}

/// The message about a device that was registered before with other data.
pub(super) const OTHER_DATA: &str = "the device was registered before, with other data";
