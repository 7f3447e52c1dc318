//! Whether the workspace builds with the oldest Rust that its manifests name.

use std::process::Command;
use std::time::Instant;

use crate::report::{Report, succeeds};
use crate::version::Version;
use crate::workspace::Package;

const NAME: &str = "oldest supported Rust";

pub(crate) fn check(report: &mut Report, packages: &[Package]) {
    let declared = match declared(packages) {
        Ok(version) => version,
        Err(error) => return report.fail(NAME, &error),
    };
    let toolchain = declared.to_string();
    let mut installed = Command::new("rustup");
    installed.args(["run", &toolchain, "cargo", "--version"]);
    if succeeds(&mut installed) {
        let mut build = Command::new("rustup");
        build.args(["run", &toolchain, "cargo", "check", "--locked"]);
        build.args(["--workspace", "--all-features"]);
        // That of the cargo which runs this program would go before the toolchain's own.
        build.env_remove("RUSTC").env_remove("RUSTDOC");
        report.step(&format!("{NAME}: the build with {toolchain}"), &mut build);
    } else {
        by_declaration(report, packages, declared);
    }
}

/// The one `rust-version` of all packages of this workspace.
fn declared(packages: &[Package]) -> Result<Version, String> {
    let mut version = None;
    for package in packages.iter().filter(|package| package.member) {
        let own = package
            .rust_version
            .ok_or_else(|| format!("`{}` does not declare `rust-version`", package.name))?;
        if *version.get_or_insert(own) != own {
            return Err(format!(
                "`{}` declares another `rust-version`: {own}",
                package.name
            ));
        }
    }
    version.ok_or_else(|| "there is no package".into())
}

/// Second best: what the dependencies say of themselves.
fn by_declaration(report: &mut Report, packages: &[Package], declared: Version) {
    let start = Instant::now();
    let dependencies = || packages.iter().filter(|package| !package.member);
    let newer: Vec<String> = dependencies()
        .filter_map(|package| {
            let needs = package.rust_version.filter(|needs| *needs > declared)?;
            Some(format!(
                "{} {} needs {needs}",
                package.name, package.version
            ))
        })
        .collect();
    let silent = dependencies().filter(|p| p.rust_version.is_none()).count();
    let name = format!("{NAME}: no dependency declares a newer one than {declared}");
    if newer.is_empty() {
        println!(
            "\n== {name}\n   of {} dependencies, {silent} declare none",
            dependencies().count()
        );
        report.pass(&name, start.elapsed());
    } else {
        report.fail(&name, &newer.join(", "));
    }
    report.not_done(
        &format!("{NAME}: the build with {declared}"),
        &format!("it is not installed: rustup toolchain install {declared} --profile minimal"),
    );
}
