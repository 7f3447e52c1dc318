//! Starts a server and a cluster, prints the environment variables that name them, and lives until its standard input
//! ends: what `cargo xtask test` keeps beside the tests.

use eventmodel_nats_harness::{CLUSTER, Cluster, Error, SERVER, Server};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::start().await?;
    let cluster = Cluster::start().await?;
    println!("{SERVER}={}", server.url());
    println!("{CLUSTER}={}", cluster.url());
    // An empty line ends the list.
    println!();
    let mut ignored = Vec::new();
    // An error ends it as the end does.
    let _ = tokio::io::stdin().read_to_end(&mut ignored).await;
    Ok(())
}
