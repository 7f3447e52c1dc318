//! What happens to a cluster and to the connections of its clients.

use std::time::Duration;

use eventmodel_nats_harness::{Cluster, Direction, Proxy, When};
use tokio::time::timeout;

/// Longer than the servers wait before they elect another leader: 4 to 9 seconds.
const ELECTION: Duration = Duration::from_secs(11);

/// How long a fault is waited for that needs a client to do something.
const CHANCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
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

pub(super) const ALL: [Fault; 10] = [
    Fault::LeaderKilled,
    Fault::LeaderPaused,
    Fault::LeaderStepsDown,
    Fault::TwoNodesDown,
    Fault::RollingRestart,
    Fault::AllConnectionsCut,
    Fault::CutInABatch,
    Fault::CutBeforeTheLastOfABatch,
    Fault::AnswersLost,
    Fault::ConnectionsHang,
];

pub(super) struct Broken {
    pub(super) cluster: Cluster,
    pub(super) proxies: Vec<Proxy>,
    pub(super) log: String,
}

impl Broken {
    /// Lets a fault happen, and mends it.
    pub(super) async fn by(&self, fault: Fault) {
        match fault {
            Fault::LeaderKilled => {
                let leader = self.leader().await;
                self.cluster.node(leader).kill();
                self.leader().await;
                self.cluster.node(leader).restart().await.unwrap();
            }
            Fault::LeaderPaused => {
                let leader = self.leader().await;
                self.cluster.node(leader).pause().unwrap();
                tokio::time::sleep(ELECTION).await;
                self.leader().await;
                self.cluster.node(leader).resume().unwrap();
                self.leader().await;
            }
            Fault::LeaderStepsDown => {
                self.cluster.step_down(&self.log).await.unwrap();
            }
            Fault::TwoNodesDown => {
                let leader = self.leader().await;
                let nodes = [leader, (leader + 1) % 3].map(|n| self.cluster.node(n));
                for node in nodes {
                    node.kill();
                }
                tokio::time::sleep(CHANCE / 2).await;
                for node in nodes {
                    node.launch().unwrap();
                }
                self.leader().await;
            }
            Fault::RollingRestart => {
                for node in self.cluster.nodes() {
                    node.stop().await.unwrap();
                    node.restart().await.unwrap();
                }
                self.leader().await;
            }
            Fault::AllConnectionsCut => self.proxies.iter().for_each(Proxy::cut),
            Fault::CutInABatch => {
                self.cut(Direction::ToServer, "Nats-Batch-Sequence: 2")
                    .await;
            }
            Fault::CutBeforeTheLastOfABatch => {
                self.cut(Direction::ToServer, "Nats-Batch-Commit: 1").await;
            }
            Fault::AnswersLost => self.cut(Direction::ToClient, "\"seq\":").await,
            Fault::ConnectionsHang => {
                self.proxies.iter().for_each(Proxy::block);
                // Longer than a client waits for an answer.
                tokio::time::sleep(CHANCE / 2).await;
                self.proxies.iter().for_each(Proxy::unblock);
            }
        }
    }

    async fn leader(&self) -> usize {
        self.cluster.leader_of(&self.log).await.unwrap()
    }

    /// Cuts every connection on which this is seen, three times. A fault that is set stays until it happens, so only
    /// on those that are used.
    pub(super) async fn cut(&self, direction: Direction, text: &str) {
        for _ in 0..3 {
            let used = self.proxies.iter().filter(|proxy| proxy.connections() > 0);
            let faults = used.map(|proxy| {
                let fault = proxy.cut_at(direction, When::seen(text));
                // Not every client has something to say.
                timeout(CHANCE / 3, fault.happened())
            });
            futures_util::future::join_all(faults).await;
        }
    }
}
