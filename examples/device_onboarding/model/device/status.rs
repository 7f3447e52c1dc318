use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a device stands on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It made itself known.
    Registered,
    /// Its firmware is not one that we let in. It can be validated again after an update.
    Refused,
    /// It may join; the bot has not provisioned it yet.
    Validated,
    /// It has a hub, and has not connected yet.
    Provisioned,
    /// It is online.
    Connected,
    /// It was online, and may come back.
    Disconnected,
    /// It is out of service, for good.
    Decommissioned,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registered => "registered",
            Self::Refused => "refused",
            Self::Validated => "validated",
            Self::Provisioned => "provisioned",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Decommissioned => "decommissioned",
        })
    }
}
