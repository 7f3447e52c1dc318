//! The server that leads a log: the one that tests the guards, so the one whose defects count.
//!
//! Another server may lead at any time. Who leads is therefore asked again, before an append under several guards, as
//! soon as the answer may be out of date.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventmodel::StoreError;
use tokio::time::Instant;

use crate::connect::connection::Connection;
use crate::connect::defects::Defect;
use crate::log::Log;
use crate::log::open::StreamInfo;
use crate::sync::Shared;

/// How long it is believed who leads. An election takes about as long.
const BELIEVED: Duration = Duration::from_millis(250);

/// What is known of the server that leads a log.
#[derive(Default)]
pub(crate) struct Leader {
    known: Mutex<Known>,
    asking: Shared,
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
    /// Another one may lead by now.
    pub(crate) fn forget(&self) {
        self.known().at = None;
    }

    fn is_known(&self) -> bool {
        self.known().at.is_some_and(|at| at.elapsed() < BELIEVED)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
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
                self.note_leader(info);
                Ok(())
            }
        }
    }

    /// Before an append under several guards: refuses it while a server leads that mixes them up.
    pub(crate) async fn check_leader(&self) -> Result<(), StoreError> {
        if self.connection.defects.is_empty() {
            return Ok(());
        }
        if !self.leader.is_known() {
            let is_known = || self.leader.is_known();
            self.leader.asking.ask(is_known, self.verify()).await?;
        }
        let flawed = self.leader.known().flawed.clone();
        match flawed.filter(|flawed| flawed.leads) {
            Some(flawed) => Err(self.defect(&flawed, "")),
            None => Ok(()),
        }
    }

    /// Notes what the leader has just said of itself.
    pub(crate) fn note_leader(&self, info: &StreamInfo) {
        let flawed = flawed(&self.connection, info);
        let mut known = self.leader.known();
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
                tracing::info!(log = %self.name, "the servers of the log have no known defect any more");
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
            log: self.name.clone(),
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
