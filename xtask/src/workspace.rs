//! What `cargo metadata` says of this workspace.

use serde_json::Value;

use crate::report::cargo;

/// A package: of this workspace, or one it depends on.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether it is one of this workspace.
    pub(crate) member: bool,
    pub(crate) has_library: bool,
    pub(crate) features: Vec<String>,
    pub(crate) rust_version: Option<RustVersion>,
}

/// `1.89`, or `1.89.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RustVersion {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    patch: u32,
}

impl RustVersion {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::parse);
        Some(Self {
            major: parts.next()?.ok()?,
            minor: parts.next()?.ok()?,
            patch: parts.next().map_or(Some(0), Result::ok)?,
        })
    }
}

impl std::fmt::Display for RustVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// All packages in `Cargo.lock`.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let output = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--all-features",
    ])
    .stderr(std::process::Stdio::inherit())
    .output()
    .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata ended with {}", output.status));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("what cargo metadata says: {error}"))?;
    let members = array(&metadata["workspace_members"]);
    array(&metadata["packages"])
        .iter()
        .map(|package| {
            read(package, members)
                .ok_or_else(|| format!("cargo metadata: an incomplete package: {package}"))
        })
        .collect()
}

fn read(package: &Value, members: &[Value]) -> Option<Package> {
    let targets = array(&package["targets"]);
    let is_library = |kind: &Value| matches!(kind.as_str(), Some("lib" | "proc-macro"));
    Some(Package {
        name: package["name"].as_str()?.into(),
        version: package["version"].as_str()?.into(),
        member: members.contains(&package["id"]),
        has_library: targets
            .iter()
            .any(|target| array(&target["kind"]).iter().any(is_library)),
        features: package["features"].as_object()?.keys().cloned().collect(),
        rust_version: package["rust_version"]
            .as_str()
            .and_then(RustVersion::parse),
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
