//! How a server is to be: what is written into its configuration file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Error, io};
use crate::process;
use crate::server::{Ports, Server};

/// A server that is not started yet.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ServerBuilder {
    config: String,
    jetstream: String,
    binary: Option<PathBuf>,
}

impl ServerBuilder {
    /// Adds lines to the configuration file: accounts and permissions, `max_payload: 1KB`, limits.
    pub fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Adds lines to its `jetstream` block: `sync_interval: always`, `max_file_store: 1MB`.
    pub fn jetstream(mut self, lines: &str) -> Self {
        self.jetstream.push_str(lines);
        self.jetstream.push('\n');
        self
    }

    /// Runs this program, not the one that the other tests run against.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Starts the server and waits until JetStream answers.
    pub async fn start(self) -> Result<Server, Error> {
        crate::server::retried(async || {
            let server = self.prepare("single", Ports::claim()?, "")?;
            server.launch()?;
            server.wait_healthy().await?;
            Ok(server)
        })
        .await
    }

    /// Writes the configuration; does not start anything.
    pub(crate) fn prepare(&self, name: &str, ports: Ports, cluster: &str) -> Result<Server, Error> {
        let binary = self.binary.clone().map_or_else(crate::binary::find, Ok)?;
        let directory = tempfile::Builder::new()
            .prefix("nats-server-")
            .tempdir()
            .map_err(io("a directory for the server could not be made"))?;
        let text = self.text(name, directory.path(), &ports, cluster);
        let config = directory.path().join("server.conf");
        std::fs::write(&config, text).map_err(io("the configuration could not be written"))?;
        Ok(Server {
            process: Mutex::new(None),
            name: name.into(),
            binary,
            config,
            ports,
            directory,
        })
    }

    fn text(&self, name: &str, directory: &Path, ports: &Ports, cluster: &str) -> String {
        let mut text = String::new();
        let Self {
            config, jetstream, ..
        } = self;
        let _ = write!(
            text,
            "server_name: {name}
listen: \"127.0.0.1:{client}\"
http: \"127.0.0.1:{monitor}\"
lame_duck_duration: \"30s\"
lame_duck_grace_period: \"1s\"
jetstream {{
store_dir: \"{store}\"
{jetstream}}}
{cluster}
{config}",
            client = ports.client.number(),
            monitor = ports.monitor.number(),
            store = directory.join("store").display(),
        );
        text
    }
}

/// The last lines of a server's log.
pub(crate) fn log(directory: &Path) -> String {
    const LINES: usize = 30;
    let log = std::fs::read_to_string(directory.join(process::LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
