use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a room is on a night.
#[derive(Default, Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nobody has booked it.
    #[default]
    Free,
    /// A guest has booked it. It is not cleaned yet.
    Booked,
    /// It is cleaned, and waits for the guest.
    Available,
    /// The guest is in.
    Occupied,
}
