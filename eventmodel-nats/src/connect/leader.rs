//! The server that leads a log: the one that tests the guards, so the one whose defects count.
//!
//! Another server may lead at any time. Who leads is therefore asked again, before an append under several guards, as
//! soon as the answer may be out of date.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use eventmodel::StoreError;
use tokio::time::Instant;

use super::connection::Connection;
use super::defects::Defect;
use super::jetstream::StreamInfo;
use crate::sync::{SingleFlight, locked};

/// How long it is believed who leads. An election takes about as long.
const BELIEVED: Duration = Duration::from_millis(250);

/// What is known of the server that leads a log.
pub(crate) struct Leader {
    log: Arc<str>,
    connection: Connection,
    known: Mutex<Known>,
    asking: SingleFlight,
}

#[derive(Default)]
struct Known {
    /// When the leader has answered; `None` if another one may lead by now.
    at: Option<Instant>,
    flawed: Option<Flawed>,
}

/// A server with a defect.
#[derive(Clone, PartialEq)]
struct Flawed {
    version: Arc<str>,
    defect: &'static Defect,
    /// Whether it leads the log. Else it is the one that this process is connected to, which may lead next.
    leads: bool,
}

impl Leader {
    pub(crate) fn new(log: Arc<str>, connection: Connection) -> Self {
        Self {
            log,
            connection,
            known: Mutex::default(),
            asking: SingleFlight::default(),
        }
    }

    /// Another one may lead by now.
    pub(crate) fn forget(&self) {
        self.known().at = None;
    }

    fn is_known(&self) -> bool {
        self.known().at.is_some_and(|at| at.elapsed() < BELIEVED)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }

    /// When the log is opened: a model whose commands append under several guards needs servers that can be trusted
    /// with that.
    pub(crate) fn check_servers(
        &self,
        info: &StreamInfo,
        several_guards: &[&'static str],
    ) -> Result<(), StoreError> {
        match flawed(&self.connection, info) {
            Some(flawed) if !several_guards.is_empty() => {
                let commands = several_guards.join("`, `");
                let of =
                    format!("; the commands that append under several guards are `{commands}`");
                Err(self.defect(&flawed, &of))
            }
            _ => {
                self.note(info);
                Ok(())
            }
        }
    }

    /// Before an append under several guards: refuses it while a server leads that mixes them up. `ask` asks who leads,
    /// and notes it.
    pub(crate) async fn check(
        &self,
        ask: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        if self.connection.defects.is_empty() {
            return Ok(());
        }
        if !self.is_known() {
            self.asking.ask(|| self.is_known(), ask).await?;
        }
        let flawed = self.known().flawed.clone();
        match flawed.filter(|flawed| flawed.leads) {
            Some(flawed) => Err(self.defect(&flawed, "")),
            None => Ok(()),
        }
    }

    /// Notes what the leader has just said of itself.
    pub(crate) fn note(&self, info: &StreamInfo) {
        let flawed = flawed(&self.connection, info);
        let mut known = self.known();
        known.at = Some(Instant::now());
        if known.flawed == flawed {
            return;
        }
        match &flawed {
            Some(flawed) => tracing::warn!(
                error = %self.defect(flawed, ""),
                "appends under several guards are refused while such a server leads the log"
            ),
            None => {
                tracing::info!(log = %self.log, "the servers of the log have no known defect any more");
            }
        }
        known.flawed = flawed;
    }

    fn defect(&self, flawed: &Flawed, more: &str) -> StoreError {
        let Flawed {
            version,
            defect,
            leads,
        } = flawed;
        let role = if *leads {
            "its leader"
        } else {
            "the connected server, which may lead it"
        };
        StoreError::Defect {
            log: self.log.clone(),
            server: format!("nats-server {version} ({role})").into(),
            defect: defect.number,
            reason: defect.advice() + more,
        }
    }
}

/// The leader if it has a defect, else the connected server if that has one.
fn flawed(connection: &Connection, info: &StreamInfo) -> Option<Flawed> {
    let flawed = |version: &str, leads| {
        let defect = connection.defects.of(version)?;
        let version = version.into();
        Some(Flawed {
            version,
            defect,
            leads,
        })
    };
    let connected = connection.client.server_info();
    // A server without JetStream never leads, nor does one of another domain.
    let may_lead = connected.jetstream && *connection.api == *"$JS.API";
    let next = || flawed(&connected.version, false).filter(|_| may_lead);
    flawed(info.leader_version(), true).or_else(next)
}
