//! One nats-server with JetStream.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::binary;
use crate::builder::{ServerBuilder, log};
use crate::error::{Error, io};
use crate::monitor;
use crate::port::Port;
use crate::process::Process;
use crate::wait::{BOUND, Waited, poll};

/// A server of its own: on a port and in a directory of its own, gone with this value or with this process.
///
/// Its port and its data stay the same through [`kill`](Self::kill), [`stop`](Self::stop) and
/// [`restart`](Self::restart). All methods take `&self`, so that it can be broken while others use it.
#[derive(Debug)]
pub struct Server {
    // Before the directory: the server must be dead when that is removed.
    pub(crate) process: Mutex<Option<Process>>,
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) ports: Ports,
    pub(crate) directory: TempDir,
}

#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) client: Port,
    pub(crate) monitor: Port,
    /// In a cluster; here only to stay claimed.
    pub(crate) _route: Option<Port>,
}

impl Ports {
    pub(crate) fn claim() -> Result<Self, Error> {
        Ok(Self {
            client: Port::claim()?,
            monitor: Port::claim()?,
            _route: None,
        })
    }
}

impl Server {
    /// Starts a server with the defaults and waits until JetStream answers.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// For a server with more in its configuration.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Where clients connect: `nats://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Where clients connect, for a proxy: `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.client.number())
    }

    /// The monitoring endpoint: `http://127.0.0.1:<port>` (`/varz`, `/jsz`, `/connz`).
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.monitor.number())
    }

    /// `single`, or in a cluster `n0`, `n1`, `n2`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its configuration, its log and its data are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Changes its configuration file, which it reads when it is started again.
    pub fn reconfigure(&self, change: impl FnOnce(String) -> String) -> Result<(), Error> {
        let text = std::fs::read_to_string(&self.config);
        let text = text.map_err(io("the configuration could not be read"))?;
        let written = std::fs::write(&self.config, change(text));
        written.map_err(io("the configuration could not be written"))
    }

    /// The last lines of its log.
    pub fn log(&self) -> String {
        log(self.directory.path())
    }

    /// SIGKILL, as at a crash. It is dead when this returns. No effect if it does not run.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// SIGTERM, and waits until it has ended in good order.
    pub async fn stop(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)?;
        let ended = poll(BOUND, async || match self.ended() {
            Ok(Some(_)) => Waited::Done(Ok(())),
            Ok(None) => Waited::Not("it runs".into()),
            Err(error) => Waited::Done(Err(error)),
        });
        match ended.await {
            Ok(result) => result,
            Err(last) => Err(self.timed_out("the server stops", &last)),
        }
    }

    /// Lame duck mode: it takes no new clients, tells those it has to go, hands its leaderships over, and ends after a
    /// while. Does not wait for that.
    pub fn lame_duck(&self) -> Result<(), Error> {
        self.signal(Signal::USR2)
    }

    /// SIGSTOP: its connections stay, and nothing is answered.
    pub fn pause(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Starts it again on its port with its data (killing it first if it runs), and waits until it has caught up.
    ///
    /// A node of a cluster catches up only with a majority: to bring several back, [`launch`](Self::launch) them first.
    pub async fn restart(&self) -> Result<(), Error> {
        self.launch()?;
        self.wait_healthy().await
    }

    /// Starts it again, as [`restart`](Self::restart), and does not wait for it.
    pub fn launch(&self) -> Result<(), Error> {
        self.kill();
        let process = Process::spawn(&self.binary, &self.config, self.directory.path())?;
        *self.process() = Some(process);
        Ok(())
    }

    /// Waits until it takes clients, JetStream runs, and all that it holds is caught up. Bounded.
    pub async fn wait_healthy(&self) -> Result<(), Error> {
        let ready = poll(BOUND, async || {
            match self.ended() {
                Ok(None) => {}
                Ok(Some(status)) => return Waited::Done(Err(self.ended_with(status))),
                Err(error) => return Waited::Done(Err(error)),
            }
            let version = match monitor::greeting(self.ports.client.number()).await {
                Ok(version) => version,
                Err(error) => return Waited::Not(error),
            };
            if !binary::new_enough(&version) {
                return Waited::Done(Err(Error::TooOld {
                    binary: self.binary.clone(),
                    version,
                    needed: binary::OLDEST,
                }));
            }
            match monitor::healthy(self.ports.monitor.number()).await {
                Ok(()) => Waited::Done(Ok(())),
                Err(error) => Waited::Not(error),
            }
        });
        match ready.await {
            Ok(result) => result,
            Err(last) => Err(self.timed_out("the server is healthy", &last)),
        }
    }

    /// Whether its process runs (a paused one does).
    pub fn is_running(&self) -> bool {
        matches!(self.ended(), Ok(None))
    }

    /// How it ended, if it does not run.
    fn ended(&self) -> Result<Option<String>, Error> {
        match self.process().as_mut() {
            Some(process) => Ok(process.ended()?.map(|status| status.to_string())),
            None => Ok(Some("a kill".into())),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        match self.process().as_mut() {
            Some(process) => process.signal(self.directory.path(), signal),
            None => Err(Error::NotRunning),
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended_with(&self, status: String) -> Error {
        Error::Ended {
            status,
            log: self.log(),
        }
    }

    pub(crate) fn timed_out(&self, what: &str, last: &str) -> Error {
        Error::TimedOut {
            what: format!("{what} ({})", self.name),
            bound: BOUND,
            log: format!("the last answer: {last}; its log:\n{}", self.log()),
        }
    }
}

/// A port can be taken by a stranger between the claim and the server's `listen`: then once more with others.
pub(crate) async fn retried<T>(start: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    const AGAIN: usize = 4;
    for _ in 0..AGAIN {
        match start().await {
            Err(Error::Ended { log, .. }) if log.contains("address already in use") => {}
            result => return result,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start().await
}
