//! `cargo xtask test`.

use crate::report::{Report, cargo, succeeds};

pub(crate) fn run(report: &mut Report) {
    const ALL: [&str; 2] = ["--workspace", "--all-features"];

    if succeeds(&mut cargo(&["nextest", "--version"])) {
        report.step(
            "tests",
            cargo(&["nextest", "run", "--no-fail-fast"]).args(ALL),
        );
    } else {
        println!(
            "cargo-nextest is not installed: the tests run with `cargo test`, which is slower"
        );
        report.step(
            "tests",
            cargo(&[
                "test",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
                "--no-fail-fast",
            ])
            .args(ALL),
        );
    }
    report.step(
        "code in the documentation",
        cargo(&["test", "--doc", "--no-fail-fast"]).args(ALL),
    );
    // As `cargo run --example` builds them: with the default features only.
    report.step(
        "build of the examples",
        &mut cargo(&["build", "--workspace", "--examples"]),
    );
}
