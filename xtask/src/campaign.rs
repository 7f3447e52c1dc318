//! `cargo xtask campaign`: what takes longer than a change can wait for.
//!
//! It goes part by part, each of which should take less than three quarters of an hour. What came of a part is written to
//! `target/campaign.tsv` when it ends; a later call, on the same sources, goes on with those that have not passed.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::nats::{self, Shared};
use crate::report::{Report, cargo};
use crate::test::runner;
use crate::workspace;

const ENGINE: &[&str] = &["--package", "eventmodel", "--all-features", "--test", "it"];
const JETSTREAM: &[&str] = &["--package", "eventmodel-nats", "--test", "it"];
const ACROSS: &[&str] = &["--package", "eventmodel-tests", "--test", "it"];

/// Rounds of faults in a part. Each is a cluster of its own.
const ROUNDS: u32 = 10;

/// The case that finds the defect 8376.
const FALSE_GUARD: &str = "a_false_guard_among_several_is_never_taken";

/// What a server with that defect cannot be tested with: that case; what is done about the defect, which needs a server
/// without it; and programs that do not accept it.
const NOT_WITH_DEFECT: [&str; 4] = [FALSE_GUARD, "traps::defects", "hotel_run", "two_programs"];

struct Part {
    name: String,
    /// Which server, if not that of the tests.
    version: Option<&'static str>,
    /// The arguments of each run: which tests.
    runs: Vec<Vec<&'static str>>,
    environment: Vec<(&'static str, u32)>,
}

impl Part {
    fn new(name: impl Into<String>, run: &[&'static str], filter: &'static str) -> Self {
        Self {
            name: name.into(),
            version: None,
            runs: Vec::new(),
            environment: Vec::new(),
        }
        .and(run, filter)
    }

    fn and(mut self, run: &[&'static str], filter: &'static str) -> Self {
        self.runs.push([run, &[filter]].concat());
        self
    }

    fn with(mut self, variable: &'static str, value: u32) -> Self {
        self.environment.push((variable, value));
        self
    }
}

fn parts() -> Vec<Part> {
    let mut parts: Vec<_> = nats::versions()
        .map(|version| Part {
            version: Some(version),
            ..Part::new(format!("nats-server-{version}"), JETSTREAM, "")
                .and(ACROSS, "hotel_on_nats")
        })
        .collect();
    for first in [1, 1 + ROUNDS] {
        let rounds = |name: &str, run, filter| {
            Part::new(format!("{name}-from-{first}"), run, filter)
                .with("SEED", first)
                .with("CAMPAIGN_ROUNDS", ROUNDS)
        };
        parts.push(rounds("hotel", ACROSS, "hotel_campaign"));
        parts.push(rounds("views", JETSTREAM, "campaign::views"));
        parts.push(rounds("automations", JETSTREAM, "campaign::automations"));
    }
    parts.push(Part::new("processes", ACROSS, "hotel_run").with("HOTEL_COMMANDS", 400));
    parts.push(
        Part::new("seeds", ENGINE, "money_is_neither_made_nor_lost")
            .and(ACROSS, "a_room_has_one_guest_a_night_who_finds_it_clean")
            .with("SEEDS", 100_000),
    );
    parts.push(
        Part::new("histories", ENGINE, "any_history_agrees_with_the_model")
            .and(JETSTREAM, "any_history_agrees_with_the_model")
            .with("PROPTEST_CASES", 1_000)
            // Of an answer; a test may take ten times as long.
            .with("EVENTMODEL_CONTRACT_PATIENCE", 240),
    );
    parts
}

/// Runs the parts whose names begin with one of these, or all.
pub(crate) fn run(report: &mut Report, chosen: &[&str]) -> Result<(), String> {
    let is_chosen =
        |part: &Part| chosen.is_empty() || chosen.iter().any(|start| part.name.starts_with(start));
    let parts: Vec<_> = parts().into_iter().filter(is_chosen).collect();
    if parts.is_empty() {
        let names: Vec<_> = self::parts().into_iter().map(|part| part.name).collect();
        return Err(format!("there is no such part, only {}", names.join(", ")));
    }
    let results = Results::open()?;
    let runner = runner();
    let Some(usual) = nats::step(report) else {
        return Ok(());
    };
    let defective = nats::defective_step(report);
    let build = &mut cargo(&["build", "--package", "eventmodel-nats-harness", "--bins"]);
    if !report.step("build of the shared servers", build) {
        return Ok(());
    }
    for part in parts {
        if results.has_passed(&part.name)? {
            println!("\n== {}: it has passed", part.name);
            report.pass(&part.name, Duration::ZERO);
            continue;
        }
        let start = Instant::now();
        let binary = match part.version {
            Some(version) => nats::obtain(Some(version)),
            None => Ok(usual.clone()),
        };
        let shared =
            binary.and_then(|binary| Shared::start(&binary).map(|shared| (binary, shared)));
        match shared {
            Ok((binary, shared)) => {
                let tests = Tests {
                    runner,
                    part: &part,
                    binary: &binary,
                    shared: &shared,
                    defective: defective.as_deref(),
                };
                let passed = tests.run(report);
                results.note(&part.name, passed, start.elapsed())?;
            }
            Err(error) => report.fail(&part.name, &error),
        }
    }
    println!("\nresults: {}", results.path.display());
    Ok(())
}

struct Tests<'a> {
    runner: &'static [&'static str],
    part: &'a Part,
    binary: &'a Path,
    shared: &'a Shared,
    defective: Option<&'a Path>,
}

impl Tests<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut tests = cargo(self.runner);
        tests
            .arg("--no-fail-fast")
            .args(arguments.iter().filter(|argument| !argument.is_empty()))
            .env(nats::BINARY, self.binary);
        for (name, value) in &self.part.environment {
            tests.env(name, value.to_string());
        }
        for (name, value) in &self.shared.environment {
            tests.env(name, value);
        }
        if let Some(defective) = self.defective {
            tests.env(nats::DEFECTIVE_BINARY, defective);
        }
        tests
    }

    fn run(&self, report: &mut Report) -> bool {
        let is_defective = self.part.version.is_some_and(nats::is_defective);
        let skipped: Vec<_> = NOT_WITH_DEFECT
            .iter()
            .flat_map(|name| ["--skip", name])
            .collect();
        let mut passed = true;
        for run in &self.part.runs {
            let mut tests = self.command(run);
            if is_defective {
                tests.arg("--").args(&skipped);
            }
            passed &= report.step(&self.part.name, &mut tests);
        }
        if is_defective {
            self.show_defect(report);
        }
        passed
    }

    /// Whatever comes of it: it is the server that cannot pass.
    fn show_defect(&self, report: &mut Report) {
        let case = format!("contract::on_three_servers::{FALSE_GUARD}");
        let seen = match self.command(&[JETSTREAM, &[&case]].concat()).status() {
            Ok(status) if status.success() => "was not seen this time, and is there all the same",
            Ok(_) => "was seen: the output says how many false guards were taken",
            Err(error) => return report.fail(&case, &error.to_string()),
        };
        report.defect(&self.part.name, &format!("the defect 8376 {seen}"));
    }
}

/// A line for each part that ended: the sources, the part, what came of it, how many seconds it took.
struct Results {
    path: PathBuf,
    sources: String,
}

impl Results {
    fn open() -> Result<Self, String> {
        let described = Command::new("git")
            .args([
                "describe",
                "--always",
                "--dirty",
                "--abbrev=40",
                "--exclude=*",
            ])
            .output()
            .map_err(|error| format!("git, which tells the sources apart: {error}"))?;
        let sources = String::from_utf8_lossy(&described.stdout).trim().to_owned();
        if sources.is_empty() {
            return Err("git does not tell which sources these are".into());
        }
        let path = workspace::target_directory()?.join("campaign.tsv");
        Ok(Self { path, sources })
    }

    fn has_passed(&self, part: &str) -> Result<bool, String> {
        // Of sources that nobody has committed it is not known whether they are the same.
        if self.sources.ends_with("-dirty") || !self.path.exists() {
            return Ok(false);
        }
        let written = fs::read_to_string(&self.path)
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let passed = format!("{}\t{part}\tpassed\t", self.sources);
        Ok(written.lines().any(|line| line.starts_with(&passed)))
    }

    fn note(&self, part: &str, passed: bool, time: Duration) -> Result<(), String> {
        let failed = |error| format!("{}: {error}", self.path.display());
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(failed)?;
        let result = if passed { "passed" } else { "FAILED" };
        let (sources, seconds) = (&self.sources, time.as_secs());
        writeln!(file, "{sources}\t{part}\t{result}\t{seconds}").map_err(failed)
    }
}
