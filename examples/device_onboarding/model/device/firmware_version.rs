//! What runs on the device, and which of it we let in.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What runs on the device: `2.1.0`.
#[derive(
    Validate, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[garde(transparent)]
#[serde(transparent)]
pub struct FirmwareVersion(#[garde(custom(allowed))] String);

impl FirmwareVersion {
    /// A version from any text; [`Validate`] says whether it is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn allowed(version: &str, _: &impl Sized) -> garde::Result {
    match numbers(version) {
        Some(_) => Ok(()),
        None => Err(garde::Error::new("must be three numbers: `2.1.0`")),
    }
}

/// The oldest firmware that may join: what is older cannot be updated over the air.
const OLDEST: [u16; 3] = [2, 0, 0];

impl FirmwareVersion {
    /// Whether a device that runs it may join.
    ///
    /// # Errors
    /// Why not, for the operator.
    pub fn may_join(&self) -> Result<(), String> {
        let [major, minor, patch] = OLDEST;
        match numbers(&self.0) {
            Some(version) if version >= OLDEST => Ok(()),
            Some(_) => Err(format!(
                "firmware {self} is older than {major}.{minor}.{patch}: update it and validate it again"
            )),
            None => Err(format!("`{self}` is not a firmware version")),
        }
    }
}

fn numbers(version: &str) -> Option<[u16; 3]> {
    // `parse` would take `+1` and `01`, two more ways to write one version.
    let number = |text: &str| match text.parse::<u16>() {
        Ok(number) if number.to_string() == text => Some(number),
        _ => None,
    };
    let mut parts = version.split('.').map(number);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        assert!(FirmwareVersion::new("2.10.65535").validate().is_ok());
        for version in [
            "",
            "2",
            "2.1",
            "2.1.0.0",
            "2.1.x",
            "v2.1.0",
            "+2.1.0",
            "02.1.0",
            "2.1.65536",
            "2..0",
        ] {
            assert!(
                FirmwareVersion::new(version).validate().is_err(),
                "{version}"
            );
        }
    }

    #[test]
    fn what_is_too_old_may_not_join() {
        assert!(FirmwareVersion::new("2.0.0").may_join().is_ok());
        assert!(FirmwareVersion::new("10.0.0").may_join().is_ok());
        assert!(FirmwareVersion::new("1.99.99").may_join().is_err());
        assert!(FirmwareVersion::new("nonsense").may_join().is_err());
    }
}
