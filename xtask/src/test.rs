//! `cargo xtask test`.

use crate::nats::{self, Shared};
use crate::report::{Report, cargo, succeeds};

const ALL: [&str; 2] = ["--workspace", "--all-features"];

pub(crate) fn run(report: &mut Report) {
    let server = nats::step(report);
    let runner = runner();
    let with_server = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.args(ALL);
        if let Some(server) = &server {
            command.env(nats::BINARY, server);
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
        report.step("tests", tests.arg("--no-fail-fast"));
    }
    report.step(
        "code in the documentation",
        &mut with_server(&["test", "--doc", "--no-fail-fast"]),
    );
    // As `cargo run --example` builds them: with the default features only.
    report.step(
        "build of the examples",
        &mut cargo(&["build", "--workspace", "--examples"]),
    );
}

/// The program that runs tests.
fn runner() -> &'static [&'static str] {
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        return &["nextest", "run"];
    }
    println!("cargo-nextest is not installed: the tests run with `cargo test`, which is slower");
    &["test", "--lib", "--bins", "--tests", "--examples"]
}

/// The tests of the JetStream store with each version of the server.
pub(crate) fn nats_matrix(report: &mut Report) {
    let build = &mut cargo(&["build", "--package", "eventmodel-nats-harness", "--bins"]);
    if !report.step("build of the shared servers", build) {
        return;
    }
    for version in nats::versions() {
        let started = nats::obtain(Some(version))
            .and_then(|binary| Shared::start(&binary).map(|shared| (binary, shared)));
        match started {
            Ok((binary, shared)) => {
                let mut tests = cargo(runner());
                tests
                    .args(["--package", "eventmodel-tests", "--no-fail-fast", "nats::"])
                    .env(nats::BINARY, binary)
                    .envs(shared.environment.iter().map(|(name, value)| (name, value)));
                report.step(&format!("the store on nats-server {version}"), &mut tests);
            }
            Err(error) => report.fail(&format!("nats-server {version}"), &error),
        }
    }
}

/// The hotel on clusters that are broken, in so many rounds.
pub(crate) fn campaign(report: &mut Report, rounds: &str) {
    let Some(server) = nats::step(report) else {
        return;
    };
    let mut rounds_of_it = cargo(&["test", "--package", "eventmodel-tests", "--test", "it"]);
    rounds_of_it
        .args(["nats::campaign", "--", "--nocapture"])
        .env(nats::BINARY, server)
        .env("CAMPAIGN_ROUNDS", rounds);
    report.step("the campaign of faults", &mut rounds_of_it);
}
