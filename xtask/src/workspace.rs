//! What `cargo metadata` says of this workspace.

use std::path::PathBuf;

use serde_json::Value;

use crate::report::cargo;
use crate::version::Version;

/// A package: of this workspace, or one it depends on.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether it is one of this workspace.
    pub(crate) member: bool,
    pub(crate) has_library: bool,
    /// The sources that its integration tests begin with.
    pub(crate) tests: Vec<PathBuf>,
    pub(crate) features: Vec<String>,
    pub(crate) rust_version: Option<Version>,
}

/// All packages in `Cargo.lock`.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let metadata = metadata(&["--locked", "--all-features"])?;
    let members = array(&metadata["workspace_members"]);
    array(&metadata["packages"])
        .iter()
        .map(|package| {
            read(package, members)
                .ok_or_else(|| format!("cargo metadata: an incomplete package: {package}"))
        })
        .collect()
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf, String> {
    let metadata = metadata(&["--no-deps"])?;
    let directory = metadata["target_directory"].as_str();
    directory
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata does not name the target directory".into())
}

fn metadata(arguments: &[&str]) -> Result<Value, String> {
    let output = cargo(&["metadata", "--format-version", "1"])
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata ended with {}", output.status));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("what cargo metadata says: {error}"))
}

fn read(package: &Value, members: &[Value]) -> Option<Package> {
    let targets = array(&package["targets"]);
    let is_library = |kind: &Value| matches!(kind.as_str(), Some("lib" | "proc-macro"));
    let is_test = |target: &&Value| array(&target["kind"]).iter().any(|kind| kind == "test");
    let source = |target: &Value| target["src_path"].as_str().map(PathBuf::from);
    Some(Package {
        name: package["name"].as_str()?.into(),
        version: package["version"].as_str()?.into(),
        member: members.contains(&package["id"]),
        has_library: targets
            .iter()
            .any(|target| array(&target["kind"]).iter().any(is_library)),
        tests: targets.iter().filter(is_test).filter_map(source).collect(),
        features: package["features"].as_object()?.keys().cloned().collect(),
        rust_version: package["rust_version"].as_str().and_then(Version::parse),
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
