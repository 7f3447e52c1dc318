//! `cargo xtask test`.

use crate::nats::{self, Shared};
use crate::report::{Report, cargo, succeeds};

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

/// The case that finds the defect 8376.
const FALSE_GUARD: &str = "a_false_guard_among_several_is_never_taken";

/// What a server with that defect cannot be tested with: that case; what is done about the defect, which needs a server
/// without it.
const NOT_WITH_DEFECT: [&str; 6] = [
    "--skip",
    FALSE_GUARD,
    "--skip",
    "traps::defects",
    "--skip",
    "hotel_run",
];

/// The tests of the JetStream store with each version of the server.
pub(crate) fn nats_matrix(report: &mut Report) {
    let build = &mut cargo(&["build", "--package", "eventmodel-nats-harness", "--bins"]);
    if !report.step("build of the shared servers", build) {
        return;
    }
    let defective = nats::defective_step(report);
    for version in nats::versions() {
        let started = nats::obtain(Some(version))
            .and_then(|binary| Shared::start(&binary).map(|shared| (binary, shared)));
        let (binary, shared) = match started {
            Ok(started) => started,
            Err(error) => {
                report.fail(&format!("nats-server {version}"), &error);
                continue;
            }
        };
        let tests = |arguments: &[&str]| {
            let mut tests = cargo(runner());
            tests
                .args([
                    "--package",
                    "eventmodel-nats",
                    "--test",
                    "it",
                    "--no-fail-fast",
                ])
                .args(arguments)
                .env(nats::BINARY, &binary)
                .envs(shared.environment.iter().map(|(name, value)| (name, value)));
            if let Some(defective) = &defective {
                tests.env(nats::DEFECTIVE_BINARY, defective);
            }
            tests
        };
        let name = format!("the store on nats-server {version}");
        if !nats::is_defective(version) {
            report.step(&name, &mut tests(&[]));
            continue;
        }
        let all_but = [&["--"], &NOT_WITH_DEFECT[..]].concat();
        report.step(&name, &mut tests(&all_but));
        // Whatever comes of it: it is the server that cannot pass.
        let case = format!("contract::on_three_servers::{FALSE_GUARD}");
        let seen = match tests(&[&case]).status() {
            Ok(status) if status.success() => "was not seen this time, and is there all the same",
            Ok(_) => "was seen: the output says how many false guards were taken",
            Err(error) => {
                report.fail(&case, &error.to_string());
                continue;
            }
        };
        report.defect(&name, &format!("the defect 8376 {seen}"));
    }
}

/// The hotel on clusters that are broken, in so many rounds.
pub(crate) fn campaign(report: &mut Report, rounds: &str) {
    let Some(server) = nats::step(report) else {
        return;
    };
    let mut rounds_of_it = cargo(&["test", "--package", "eventmodel-nats", "--test", "it"]);
    rounds_of_it
        .args(["campaign", "--", "--nocapture"])
        .env(nats::BINARY, server)
        .env("CAMPAIGN_ROUNDS", rounds);
    report.step("the campaign of faults", &mut rounds_of_it);
}
