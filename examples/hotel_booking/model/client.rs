use eventmodel::Violations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A guest of the hotel.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The number of the guest, from 1.
    pub id: u32,
}

impl Client {
    pub(crate) fn check(self, violations: &mut Violations) {
        violations.check(self.id > 0, "client.id", "clients are numbered from 1");
    }
}
