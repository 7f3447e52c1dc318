//! Runs the steps of a chore, and tells in the end what passed, what failed and what was not done.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

enum Outcome {
    Passed(Duration),
    Failed(String),
    NotDone(String),
    Defect(String),
}

/// The steps so far.
pub(crate) struct Report {
    steps: Vec<(String, Outcome)>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Runs a command as a step; whether it succeeded.
    pub(crate) fn step(&mut self, name: &str, command: &mut Command) -> bool {
        println!("\n== {name}\n   {}", shown(command));
        let start = Instant::now();
        match command.status() {
            Ok(status) if status.success() => {
                self.pass(name, start.elapsed());
                true
            }
            Ok(status) => {
                self.fail(name, &format!("{} ended with {status}", shown(command)));
                false
            }
            Err(error) => {
                self.fail(
                    name,
                    &format!("{} could not be started: {error}", shown(command)),
                );
                false
            }
        }
    }

    pub(crate) fn pass(&mut self, name: &str, time: Duration) {
        self.steps.push((name.into(), Outcome::Passed(time)));
    }

    pub(crate) fn fail(&mut self, name: &str, reason: &str) {
        println!("\n!! {name}: {reason}");
        self.steps
            .push((name.into(), Outcome::Failed(reason.into())));
    }

    /// A step that cannot be done here, and what it would take.
    pub(crate) fn not_done(&mut self, name: &str, reason: &str) {
        println!("\n-- {name}: not done: {reason}");
        self.steps
            .push((name.into(), Outcome::NotDone(reason.into())));
    }

    /// What cannot pass because of a known defect of what is tested with: neither passed nor failed.
    pub(crate) fn defect(&mut self, name: &str, reason: &str) {
        println!("\n-- {name}: {reason}");
        self.steps
            .push((name.into(), Outcome::Defect(reason.into())));
    }

    /// Prints the summary. A failure if a step failed.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n== summary");
        for (name, outcome) in &self.steps {
            match outcome {
                Outcome::Passed(time) => println!("passed    {name} ({:.0} s)", time.as_secs_f32()),
                Outcome::NotDone(reason) => println!("not done  {name}: {reason}"),
                Outcome::Defect(reason) => println!("DEFECT    {name}: {reason}"),
                Outcome::Failed(reason) => println!("FAILED    {name}: {reason}"),
            }
        }
        let failed = self
            .steps
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
        if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    // What it says of the package of this program would let ring, and all that is built on it, be built again.
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_str().unwrap_or_default();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(variable);
        }
    }
    command
}

/// Whether a command can be run and succeeds; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// As one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
