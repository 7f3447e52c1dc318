//! `cargo xtask lint`.

use std::time::Instant;

use crate::report::{Report, cargo, succeeds};
use crate::workspace::{Package, packages};
use crate::{groups, msrv, text};

pub(crate) fn run(report: &mut Report) -> Result<(), String> {
    let packages = packages()?;
    format(report);
    text::check(report)?;
    groups::check(report, &packages);
    clippy(report);
    features(report, &packages);
    report.step(
        "rustdoc",
        cargo(&["doc", "--workspace", "--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    );
    msrv::check(report, &packages);
    // Whether each could be published; that it builds from its package is left to `cargo package --workspace`. Offline:
    // what it needs is here since `packages`.
    report.step(
        "packages",
        &mut cargo(&[
            "package",
            "--workspace",
            "--no-verify",
            "--allow-dirty",
            "--offline",
            "--quiet",
        ]),
    );
    dependencies(report);
    Ok(())
}

fn format(report: &mut Report) {
    if succeeds(&mut cargo(&["fmt", "--version"])) {
        report.step("format", &mut cargo(&["fmt", "--all", "--check"]));
    } else {
        report.fail("format", "rustfmt is missing: rustup component add rustfmt");
    }
}

fn clippy(report: &mut Report) {
    if succeeds(&mut cargo(&["clippy", "--version"])) {
        report.step(
            "clippy",
            &mut cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ]),
        );
    } else {
        report.fail("clippy", "clippy is missing: rustup component add clippy");
    }
}

/// Every library must build without features and with each feature alone, without a warning.
fn features(report: &mut Report, packages: &[Package]) {
    const NAME: &str = "each feature alone";

    let start = Instant::now();
    let mut failed = Vec::new();
    for package in packages.iter().filter(|p| p.member && p.has_library) {
        if package.features.is_empty() {
            continue;
        }
        let alone = package.features.iter().map(String::as_str);
        for feature in std::iter::once("").chain(alone) {
            let which = match feature {
                "" => format!("{} without features", package.name),
                feature => format!("{} with {feature} only", package.name),
            };
            println!("\n== {which}");
            // Only clippy can deny warnings without building the dependencies once more.
            let built = cargo(&["clippy", "--quiet", "--lib", "--no-default-features"])
                .args(["--package", &package.name, "--features", feature])
                .args(["--", "-D", "warnings"])
                .status()
                .is_ok_and(|status| status.success());
            if !built {
                failed.push(which);
            }
        }
    }
    if failed.is_empty() {
        report.pass(NAME, start.elapsed());
    } else {
        report.fail(NAME, &failed.join(", "));
    }
}

fn dependencies(report: &mut Report) {
    const NAME: &str = "licences and sources of dependencies";

    if succeeds(&mut cargo(&["deny", "--version"])) {
        // The database of advisories needs a network that a build machine may not have.
        report.step(
            NAME,
            &mut cargo(&[
                "deny",
                "--all-features",
                "check",
                "licenses",
                "bans",
                "sources",
            ]),
        );
    } else {
        report.not_done(
            NAME,
            "cargo-deny is not installed: cargo install --locked cargo-deny",
        );
    }
}
