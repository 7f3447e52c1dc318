//! How many instructions an operation of a benchmark takes, by callgrind.

use std::ffi::OsString;

use crate::report::{cargo, shown};

/// Runs a benchmark that does a number of operations and nothing else: `count <operation> <number>`.
pub(crate) struct Counter {
    package: &'static str,
    bench: &'static str,
    env: Vec<(&'static str, OsString)>,
}

impl Counter {
    pub(crate) fn new(package: &'static str, bench: &'static str) -> Self {
        Self {
            package,
            bench,
            env: Vec::new(),
        }
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// What one of the `more` takes that the second number of operations is more than the first: what the program needs
    /// besides is the same both times.
    pub(crate) fn each(
        &self,
        operation: &str,
        numbers: [u64; 2],
        more: u64,
    ) -> Result<u64, String> {
        let [few, many] = numbers;
        let few = self.count(operation, few)?;
        Ok(self.count(operation, many)?.saturating_sub(few) / more)
    }

    fn count(&self, operation: &str, number: u64) -> Result<u64, String> {
        const RUNNER: &str = r#"target."cfg(all())".runner = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]"#;

        let mut command = cargo(&["--config", RUNNER, "bench", "--quiet"]);
        command.args(["--package", self.package, "--bench", self.bench]);
        command.args(["--", "count", operation, &number.to_string()]);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let typed = shown(&command);
        let failed = |reason: &str| format!("{typed}: {reason}");
        let output = command.output();
        let output = output.map_err(|error| failed(&error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected = said.lines().find_map(|line| {
            let (_, count) = line.split_once("Collected : ")?;
            count.trim().parse().ok()
        });
        match collected {
            Some(count) if output.status.success() => Ok(count),
            _ => Err(failed(&format!("no count ({}):\n{said}", output.status))),
        }
    }
}
