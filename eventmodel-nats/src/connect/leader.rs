//! The server that leads a log: it tests the guards, so its defects count.
//!
//! Another server may lead at any time. So before an append under several guards the store asks again who leads, as
//! soon as its knowledge may be out of date.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use eventmodel::StoreError;
use tokio::time::Instant;

use super::connection::Connection;
use super::defects::Defect;
use super::jetstream::StreamInfo;
use crate::sync::{SingleFlight, locked};

/// How long the store trusts its knowledge. An election takes about as long.
const BELIEVED: Duration = Duration::from_millis(250);

/// What the store knows of the server that leads a log.
pub(crate) struct Leader {
    log: Arc<str>,
    connection: Connection,
    known: Mutex<Known>,
    asking: SingleFlight,
}

#[derive(Default)]
struct Known {
    /// When the leader answered; `None` if another one may lead by now.
    at: Option<Instant>,
    flawed: Option<Flawed>,
}

/// A server with a defect.
#[derive(Clone, PartialEq)]
struct Flawed {
    version: Arc<str>,
    defect: &'static Defect,
    /// Whether it leads the log. If not, this process is connected to it, and it may lead next.
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

    /// Notes that another server may lead by now.
    pub(crate) fn forget(&self) {
        self.known().at = None;
    }

    fn is_known(&self) -> bool {
        self.known().at.is_some_and(|at| at.elapsed() < BELIEVED)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }

    /// Checks the servers when the store opens the log: commands that append under several guards need servers without
    /// such a defect.
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

    /// Refuses an append under several guards while the leading server mixes guards up. `ask` asks who leads, and notes
    /// it.
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

    /// Notes what the leader has just said about itself.
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
                "the store refuses appends under several guards while such a server leads the log"
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

/// The leader if it has a defect, otherwise the connected server if that one has.
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
