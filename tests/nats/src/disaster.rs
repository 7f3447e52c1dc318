//! What happens to a cluster and to the connections of its clients.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::{Cluster, Direction, Error, Proxy, When};

/// Longer than the servers wait before they elect another leader: 4 to 9 seconds.
const ELECTION: Duration = Duration::from_secs(11);

/// How long a fault is waited for that needs a client to do something.
const CHANCE: Duration = Duration::from_secs(5);

/// What may happen to a cluster, or to the connections of its clients.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each says what happens")]
pub enum Disaster {
    LeaderKilled,
    LeaderPaused,
    LeaderStepsDown,
    TwoNodesDown,
    RollingRestart,
    AllConnectionsCut,
    CutInABatch,
    CutBeforeTheLastOfABatch,
    AnswersLost,
    ConnectionsHang,
}

impl Disaster {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::LeaderKilled,
        Self::LeaderPaused,
        Self::LeaderStepsDown,
        Self::TwoNodesDown,
        Self::RollingRestart,
        Self::AllConnectionsCut,
        Self::CutInABatch,
        Self::CutBeforeTheLastOfABatch,
        Self::AnswersLost,
        Self::ConnectionsHang,
    ];
}

/// A cluster that disasters happen to, and its clients' ways to it.
#[derive(Debug)]
pub struct Broken {
    /// The cluster.
    pub cluster: Cluster,
    /// What its clients connect through.
    proxies: Vec<Proxy>,
    /// The stream whose leader is meant.
    log: String,
}

impl Broken {
    /// So many clients of a cluster, and the addresses that each of them connects to: its own way to every node.
    ///
    /// # Errors
    /// [`Error`] if there is no port for a proxy.
    pub async fn with_clients(
        cluster: Cluster,
        log: &str,
        clients: usize,
    ) -> Result<(Self, Vec<String>), Error> {
        let (mut proxies, mut urls) = (Vec::new(), Vec::new());
        for client in 0..clients {
            let mut own = Vec::new();
            for node in 0..3 {
                let proxy = Proxy::start(cluster.node((client + node) % 3).url()).await?;
                own.push(proxy.url());
                proxies.push(proxy);
            }
            urls.push(own.join(","));
        }
        let log = log.to_owned();
        Ok((
            Self {
                cluster,
                proxies,
                log,
            },
            urls,
        ))
    }

    /// Lets a disaster happen, and mends it.
    ///
    /// # Errors
    /// [`Error`] if the cluster does not recover.
    pub async fn by(&self, disaster: Disaster) -> Result<(), Error> {
        match disaster {
            Disaster::LeaderKilled => {
                let leader = self.leader().await?;
                self.cluster.node(leader).kill();
                self.leader().await?;
                self.cluster.node(leader).restart().await?;
            }
            Disaster::LeaderPaused => {
                let leader = self.leader().await?;
                self.cluster.node(leader).pause()?;
                sleep(ELECTION).await;
                self.leader().await?;
                self.cluster.node(leader).resume()?;
                self.leader().await?;
            }
            Disaster::LeaderStepsDown => {
                self.cluster.step_down(&self.log).await?;
            }
            Disaster::TwoNodesDown => {
                let leader = self.leader().await?;
                let nodes = [leader, (leader + 1) % 3].map(|n| self.cluster.node(n));
                for node in nodes {
                    node.kill();
                }
                sleep(CHANCE / 2).await;
                for node in nodes {
                    node.launch()?;
                }
                self.leader().await?;
            }
            Disaster::RollingRestart => {
                for node in self.cluster.nodes() {
                    node.stop().await?;
                    node.restart().await?;
                }
                self.leader().await?;
            }
            Disaster::AllConnectionsCut => self.proxies.iter().for_each(Proxy::cut),
            Disaster::CutInABatch => {
                self.cut(Direction::ToServer, "Nats-Batch-Sequence: 2")
                    .await;
            }
            Disaster::CutBeforeTheLastOfABatch => {
                self.cut(Direction::ToServer, "Nats-Batch-Commit: 1").await;
            }
            Disaster::AnswersLost => self.cut(Direction::ToClient, "\"seq\":").await,
            Disaster::ConnectionsHang => {
                self.proxies.iter().for_each(Proxy::block);
                // Longer than a client waits for an answer.
                sleep(CHANCE / 2).await;
                self.proxies.iter().for_each(Proxy::unblock);
            }
        }
        Ok(())
    }

    async fn leader(&self) -> Result<usize, Error> {
        self.cluster.leader_of(&self.log).await
    }

    /// Cuts every connection on which this is seen, three times. A fault that is set stays until it happens, so only
    /// on those that are used.
    pub async fn cut(&self, direction: Direction, text: &str) {
        for _ in 0..3 {
            let used = self.proxies.iter().filter(|proxy| proxy.connections() > 0);
            let faults = used.map(|proxy| {
                let fault = proxy.cut_at(direction, When::seen(text));
                // Not every client has something to say.
                timeout(CHANCE / 3, fault.happened())
            });
            join_all(faults).await;
        }
    }
}
