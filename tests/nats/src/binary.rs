//! Which nats-server is run.

use std::path::PathBuf;

use crate::error::Error;

/// The oldest server that has all that the store needs: message ids within an atomic batch.
pub(crate) const OLDEST: &str = "2.12.1";

/// The program that servers run: what `NATS_SERVER_BIN` names, else `nats-server` on the PATH.
pub fn find() -> Result<PathBuf, Error> {
    if let Some(binary) = std::env::var_os("NATS_SERVER_BIN").filter(|name| !name.is_empty()) {
        return Ok(binary.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join("nats-server"))
        .find(|binary| binary.is_file())
        .ok_or(Error::NoBinary)
}

/// A server with the defect 8376, which `NATS_SERVER_DEFECTIVE_BIN` names: it is only for tests of that defect.
pub fn find_defective() -> Result<PathBuf, Error> {
    std::env::var_os("NATS_SERVER_DEFECTIVE_BIN")
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .ok_or(Error::NoDefectiveBinary)
}

/// Whether a server of this version will do.
pub(crate) fn new_enough(version: &str) -> bool {
    numbers(version) >= numbers(OLDEST)
}

/// `2.14.0-RC.1` counts as 2.14.0.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse().ok())
        .take(3)
        .collect()
}
