//! The server and the cluster that all tests share who break neither: started once, because a test runner may start a
//! process for each test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A program of the harness; it ends when its standard input does.
const PROGRAM: &str = "eventmodel-nats-shared";

/// Both run as long as this lives.
pub(crate) struct Shared {
    child: Child,
    /// Tells the tests where they are.
    pub(crate) environment: Vec<(String, String)>,
}

impl Shared {
    /// Starts them; the tests must have been built.
    pub(crate) fn start(binary: &Path) -> Result<Self, String> {
        // Cargo has put it where this program is.
        let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        let program = this.with_file_name(PROGRAM);
        let child = Command::new(&program)
            .env(super::BINARY, binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut shared = Self {
            child,
            environment: Vec::new(),
        };
        if let Some(said) = shared.child.stdout.take() {
            for line in BufReader::new(said).lines() {
                let line = line.map_err(|error| format!("{PROGRAM}: {error}"))?;
                match line.split_once('=') {
                    Some((name, value)) => {
                        shared.environment.push((name.into(), value.into()));
                    }
                    // The end of the list.
                    None => return Ok(shared),
                }
            }
        }
        Err(format!("{PROGRAM} ended before its servers were there"))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has nothing to tell.
        let _ = self.child.wait();
    }
}
