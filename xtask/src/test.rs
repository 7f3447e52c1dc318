//! `cargo xtask test`.

use crate::nats::{self, Shared};
use crate::report::{Report, cargo, succeeds};
use crate::slowest;

const ALL: [&str; 2] = ["--workspace", "--all-features"];

pub(crate) fn run(report: &mut Report) {
    let server = nats::step(report);
    let defective = nats::defective_step(report);
    let runner = runner();
    let with_server = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.args(ALL);
        if let Some(server) = &server {
            command.env(nats::BINARY, server);
        }
        if let Some(defective) = &defective {
            command.env(nats::DEFECTIVE_BINARY, defective);
        }
        command
    };
    let tests = || with_server(runner);
    // Apart from the run, because the program that starts the shared servers is built with it.
    if report.step("build of the tests", tests().arg("--no-run")) {
        let mut tests = tests();
        let shared = server.as_ref().map(|server| Shared::start(server));
        match &shared {
            Some(Ok(shared)) => {
                tests.envs(shared.environment.iter().map(|(name, value)| (name, value)));
            }
            Some(Err(error)) => report.fail("the servers that tests share", error),
            None => {}
        }
        if let Err(error) = slowest::forget() {
            report.fail("the times of an earlier run", &error);
        }
        report.step("tests", tests.arg("--no-fail-fast"));
        if let Err(error) = slowest::print() {
            report.fail("the slowest tests", &error);
        }
    }
    report.step(
        "code in the documentation",
        &mut with_server(&["test", "--doc", "--no-fail-fast"]),
    );
    // Tests run them with all features; `cargo run --example` takes the default ones.
    report.step(
        "examples with the default features",
        &mut cargo(&["check", "--workspace", "--examples"]),
    );
}

/// The program that runs tests.
pub(crate) fn runner() -> &'static [&'static str] {
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        return &["nextest", "run"];
    }
    println!("cargo-nextest is not installed: the tests run with `cargo test`, which is slower");
    &["test", "--lib", "--bins", "--tests", "--examples"]
}
