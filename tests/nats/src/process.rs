//! One run of a nats-server as a process that cannot outlive the test.
//!
//! The server is a child of a shell (`guard.sh`) that kills it as soon as this process lets go of the shell's standard
//! input: by `Drop`, or because it panicked, aborted or was killed. The shell has a process group of its own, so that
//! whatever is sent to the group of the test (Ctrl-C, a time-out of the test runner) cannot kill the guard first.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, io};

/// What the server writes, and its process id: in its directory.
pub(crate) const LOG: &str = "server.log";
const PID: &str = "server.pid";

#[derive(Debug)]
pub(crate) struct Process {
    guard: Child,
}

impl Process {
    /// Starts the server with `directory/server.conf`; does not wait for it.
    pub(crate) fn spawn(binary: &Path, config: &Path, directory: &Path) -> Result<Self, Error> {
        let pid = directory.join(PID);
        // That of the run before.
        let _ = fs::remove_file(&pid);
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join(LOG))
            .map_err(io("the log of the server could not be opened"))?;
        let guard = Command::new("sh")
            .args(["-c", include_str!("guard.sh"), "guard"])
            .arg(directory)
            .arg(binary)
            .arg("--config")
            .arg(config)
            .arg("--pid")
            .arg(pid)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(io("`sh`, which guards the server, could not be started"))?;
        Ok(Self { guard })
    }

    /// How the server ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.guard
            .try_wait()
            .map_err(io("the state of the server could not be read"))
    }

    /// Sends a signal to the server, which must be running.
    pub(crate) fn signal(&mut self, directory: &Path, signal: Signal) -> Result<(), Error> {
        if self.ended()?.is_some() {
            return Err(Error::NotRunning);
        }
        let text = fs::read_to_string(directory.join(PID))
            .map_err(io("the server has not written its process id"))?;
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(Error::NotRunning)?;
        kill_process(pid, signal)
            .map_err(std::io::Error::from)
            .map_err(io("the signal could not be sent"))?;
        if signal == Signal::STOP {
            until_stopped(pid);
        }
        Ok(())
    }
}

/// On a busy machine a process runs on for a moment after the signal, thread by thread. Where there is no `/proc` nobody
/// can tell. Bounded.
fn until_stopped(pid: Pid) {
    let tasks = format!("/proc/{}/task", pid.as_raw_nonzero());
    let runs = |task: std::io::Result<fs::DirEntry>| {
        let status = task.and_then(|task| fs::read_to_string(task.path().join("status")));
        status.is_ok_and(|status| !status.contains("State:\tT"))
    };
    for _ in 0..1_000 {
        let Ok(mut tasks) = fs::read_dir(&tasks) else {
            return;
        };
        if !tasks.any(runs) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut hold) = self.guard.stdin.take() {
            // An error says that the guard has ended already, which is what is wanted.
            let _ = hold.write_all(b"kill\n");
        }
        let _ = self.guard.wait();
    }
}
