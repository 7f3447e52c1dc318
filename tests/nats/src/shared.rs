//! A server and a cluster for tests that break nothing and use names of their own.
//!
//! A test runner may run each test as a process: a cluster for each would cost seconds. `cargo xtask test` starts both once
//! and names them in the environment; without it each process starts them when it needs them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::sync::OnceCell;

use crate::{Cluster, Error, Server};

/// The environment variable with the URL of a shared server.
pub const SERVER: &str = "EVENTMODEL_NATS_SERVER";
/// The environment variable with the URLs of a shared cluster of three.
pub const CLUSTER: &str = "EVENTMODEL_NATS_CLUSTER";

/// The URL of a server that other tests use too. Use [`unique`] names, and leave it as it is.
pub async fn shared_server() -> Result<String, Error> {
    static OWN: OnceCell<Server> = OnceCell::const_new();
    match given(SERVER) {
        Some(url) => Ok(url),
        None => Ok(OWN.get_or_try_init(Server::start).await?.url()),
    }
}

/// The URLs (with commas) of a cluster of three that other tests use too. Use [`unique`] names, and leave it as it is.
pub async fn shared_cluster() -> Result<String, Error> {
    static OWN: OnceCell<Cluster> = OnceCell::const_new();
    match given(CLUSTER) {
        Some(url) => Ok(url),
        None => Ok(OWN.get_or_try_init(Cluster::start).await?.url()),
    }
}

fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|url| !url.is_empty())
}

/// A name that nobody else uses, in this process or another: `hotel` becomes `hotel-1k3x..`. Good as the name of a
/// stream, a bucket, a consumer, a token of a subject.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.unwrap_or_default().as_nanos();
    format!("{name}-{nanos:x}-{:x}-{count:x}", std::process::id())
}
