//! Three nats-servers that hold every stream three times.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use serde_json::Value;

use crate::builder::ServerBuilder;
use crate::error::{Error, client};
use crate::monitor;
use crate::port::Port;
use crate::server::{Ports, Server, retried};
use crate::wait::{BOUND, Waited, poll};

/// A cluster of three of its own, to be broken; gone with this value or with this process.
///
/// Clients are told of no other node than those of the URL that they are given, so that a client behind a
/// [`Proxy`](crate::Proxy) stays behind it.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
    login: Option<(String, String)>,
}

/// A cluster that is not started yet.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClusterBuilder {
    server: ServerBuilder,
    login: Option<(String, String)>,
    binary_of_node_0: Option<PathBuf>,
}

const SIZE: usize = 3;

impl ClusterBuilder {
    /// Adds lines to the configuration of every node, as [`ServerBuilder::config`].
    pub fn config(mut self, lines: &str) -> Self {
        self.server = self.server.config(lines);
        self
    }

    /// Adds lines to the `jetstream` block of every node, as [`ServerBuilder::jetstream`].
    pub fn jetstream(mut self, lines: &str) -> Self {
        self.server = self.server.jetstream(lines);
        self
    }

    /// The user with which the harness itself tries whether streams can be created; needed if the configuration asks
    /// everybody for a login.
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// Node 0 runs this program, as in the middle of an upgrade.
    pub fn binary_of_node_0(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary_of_node_0 = Some(path.into());
        self
    }

    /// Starts three nodes and waits until a stream of three replicas can be created.
    pub async fn start(self) -> Result<Cluster, Error> {
        retried(async || {
            let cluster = self.prepare()?;
            for node in &cluster.nodes {
                node.launch()?;
            }
            cluster.wait_healthy().await?;
            Ok(cluster)
        })
        .await
    }

    fn prepare(&self) -> Result<Cluster, Error> {
        let routes: Vec<Port> = (0..SIZE).map(|_| Port::claim()).collect::<Result<_, _>>()?;
        let urls: Vec<String> = routes
            .iter()
            .map(|port| format!("\"nats://127.0.0.1:{}\"", port.number()))
            .collect();
        let urls = urls.join(", ");
        let nodes = routes.into_iter().enumerate().map(|(index, route)| {
            let block = format!(
                "cluster {{\nname: harness\nlisten: \"127.0.0.1:{}\"\nroutes: [{urls}]\nno_advertise: true\n}}",
                route.number(),
            );
            let ports = Ports {
                _route: Some(route),
                ..Ports::claim()?
            };
            let mut server = self.server.clone();
            if let (0, Some(binary)) = (index, &self.binary_of_node_0) {
                server = server.binary(binary);
            }
            server.prepare(&format!("n{index}"), ports, &block)
        });
        Ok(Cluster {
            nodes: nodes.collect::<Result<_, _>>()?,
            login: self.login.clone(),
        })
    }
}

impl Cluster {
    /// Starts a cluster with the defaults and waits until a stream of three replicas can be created.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// For a cluster with more in its configuration.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The URLs of all nodes with commas between them. (async-nats itself wants a list: [`urls`](Self::urls).)
    pub fn url(&self) -> String {
        self.urls().join(",")
    }

    /// The URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// The nodes, to connect to one, or to break it.
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// Node 0, 1 or 2.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn node(&self, index: usize) -> &Server {
        &self.nodes[index]
    }

    /// Which node leads a stream, waiting (bounded) until one node, and only one, says that it does.
    ///
    /// A node that does not answer (killed, paused) is not counted: after one of them was the leader, this waits for the
    /// election.
    pub async fn leader_of(&self, stream: &str) -> Result<usize, Error> {
        self.agreed(
            &format!("one node leads the stream `{stream}`"),
            |state, name| leads(state, stream, name),
        )
        .await
    }

    /// Which node leads JetStream as a whole (creates streams and consumers); waits as [`leader_of`](Self::leader_of).
    pub async fn meta_leader(&self) -> Result<usize, Error> {
        self.agreed("one node is the meta leader", |state, name| {
            state["meta_cluster"]["leader"] == name
        })
        .await
    }

    /// Asks the leader of a stream to step down, and waits until another node leads it; which.
    pub async fn step_down(&self, stream: &str) -> Result<usize, Error> {
        let before = self.leader_of(stream).await?;
        let request = format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}");
        let connection = self.connect().await?;
        let what = "the leader was asked to step down";
        let answer = connection.request(request, Vec::new().into());
        let answer = answer.await.map_err(client(what))?;
        let answer = String::from_utf8_lossy(&answer.payload).into_owned();
        if answer.contains("\"error\"") {
            return Err(client(what)(answer));
        }
        let moved = poll(BOUND, async || match self.leader_of(stream).await {
            Ok(now) if now == before => Waited::Not("the same node leads it".into()),
            result => Waited::Done(result),
        });
        match moved.await {
            Ok(result) => result,
            Err(last) => Err(self.nodes[before].timed_out("another node leads the stream", &last)),
        }
    }

    /// Waits until every node that runs is caught up, and a stream of three replicas can be created: for all three.
    ///
    /// With a node killed or paused, wait for what the test needs instead ([`leader_of`](Self::leader_of)).
    pub async fn wait_healthy(&self) -> Result<(), Error> {
        for node in &self.nodes {
            node.wait_healthy().await?;
        }
        self.meta_leader().await?;
        let connection = self.connect().await?;
        let context = jetstream::new(connection);
        let created = poll(BOUND, async || {
            // The servers hear of each other's room for streams a while after the election.
            match context.create_stream(probe()).await {
                Ok(_) => Waited::Done(()),
                Err(error) => Waited::Not(error.to_string()),
            }
        });
        if let Err(last) = created.await {
            return Err(self.nodes[0].timed_out("a stream of three replicas is created", &last));
        }
        let deleted = context.delete_stream(probe().name).await;
        deleted.map_err(client("the stream of the probe was deleted"))?;
        Ok(())
    }

    async fn connect(&self) -> Result<async_nats::Client, Error> {
        let mut options = async_nats::ConnectOptions::new()
            .connection_timeout(Duration::from_secs(5))
            .request_timeout(Some(Duration::from_secs(5)));
        if let Some((user, password)) = &self.login {
            options = options.user_and_password(user.clone(), password.clone());
        }
        let connected = options.connect(self.urls()).await;
        connected.map_err(client("the harness connects to its cluster"))
    }

    /// The node of which `claims` holds, when it is exactly one. An old leader that comes back claims it for a moment too.
    async fn agreed(
        &self,
        what: &str,
        claims: impl Fn(&Value, &str) -> bool,
    ) -> Result<usize, Error> {
        let agreed = poll(BOUND, async || {
            let (a, b, c) = tokio::join!(self.state(0), self.state(1), self.state(2));
            let claim = |(index, state): (usize, Option<Value>)| {
                claims(&state?, &self.nodes[index].name).then_some(index)
            };
            let claimed: Vec<usize> = [a, b, c]
                .into_iter()
                .enumerate()
                .filter_map(claim)
                .collect();
            match claimed[..] {
                [one] => Waited::Done(one),
                _ => Waited::Not(format!("said by the nodes {claimed:?}")),
            }
        });
        agreed
            .await
            .map_err(|last| self.nodes[0].timed_out(what, &last))
    }

    async fn state(&self, index: usize) -> Option<Value> {
        let port = self.nodes[index].ports.monitor.number();
        monitor::jetstream(port).await.ok()
    }
}

fn leads(state: &Value, stream: &str, node: &str) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&state["account_details"])
        .iter()
        .flat_map(|account| list(&account["stream_detail"]))
        .any(|detail| detail["name"] == stream && detail["cluster"]["leader"] == node)
}

/// In memory: it leaves nothing.
fn probe() -> stream::Config {
    stream::Config {
        name: "harness_probe".into(),
        num_replicas: SIZE,
        storage: stream::StorageType::Memory,
        ..stream::Config::default()
    }
}
