//! Real nats-servers for tests.
//!
//! ```no_run
//! # async fn example() -> Result<(), eventmodel_nats_harness::Error> {
//! use eventmodel_nats_harness::{Cluster, Proxy, Server, shared_cluster, shared_server, unique};
//!
//! // For tests that break nothing and use names of their own: one of each for all tests.
//! let (url, urls) = (shared_server().await?, shared_cluster().await?);
//! let log = unique("hotel");
//!
//! // For tests that break it, or need it configured.
//! let server = Server::builder().jetstream("sync_interval: always").start().await?;
//! server.kill();
//! server.restart().await?;
//! let proxy = Proxy::start(server.url()).await?;
//! proxy.cut();
//! let cluster = Cluster::start().await?;
//! cluster.node(cluster.leader_of("hotel").await?).pause()?;
//! # Ok(())
//! # }
//! ```
//!
//! Which program runs: the environment variable `NATS_SERVER_BIN` (`cargo xtask test` sets it, `cargo xtask nats` prints
//! what to set it to), else `nats-server` on the PATH. It must be 2.12.1 or newer. `NATS_SERVER_DEFECTIVE_BIN` names one
//! with the defect 8376, for the tests of what the store does about it.
//!
//! Nothing is left running or lying about, however a test ends. Every wait is bounded, by a minute; an error shows the
//! log of the server. For Linux and macOS.

mod binary;
mod builder;
mod cluster;
mod disaster;
mod error;
mod monitor;
mod port;
mod process;
mod proxy;
mod server;
mod shared;
mod trigger;
mod wait;

pub use binary::{find as binary, find_defective as defective_binary};
pub use builder::ServerBuilder;
pub use cluster::{Cluster, ClusterBuilder};
pub use disaster::{Broken, Disaster};
pub use error::Error;
pub use proxy::{Direction, Fault, Proxy, When};
pub use server::Server;
pub use shared::{CLUSTER, SERVER, shared_cluster, shared_server, unique};
