//! The harness itself: that it starts what it says, breaks what it says, and leaves nothing.
// The lint knows test functions only, not what they call.
#![allow(clippy::unwrap_used)]

mod cluster;
mod death;
mod proxy;
mod server;

use std::time::Duration;

use async_nats::jetstream::{self, stream};

/// How long a test waits for what takes milliseconds at leisure.
const BOUND: Duration = Duration::from_secs(60);

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, what).await.unwrap()
}

async fn connect(urls: Vec<String>) -> jetstream::Context {
    jetstream::new(async_nats::connect(urls).await.unwrap())
}

async fn create(context: &jetstream::Context, name: &str, replicas: usize) -> stream::Stream {
    let config = stream::Config {
        name: name.into(),
        subjects: vec![format!("{name}.>")],
        num_replicas: replicas,
        ..stream::Config::default()
    };
    context.create_stream(config).await.unwrap()
}

async fn publish(context: &jetstream::Context, subject: String) -> u64 {
    let sent = context.publish(subject, "payload".into()).await.unwrap();
    sent.await.unwrap().sequence
}

async fn messages(context: &jetstream::Context, stream: &str) -> u64 {
    let stream = context.get_stream(stream).await.unwrap();
    stream.cached_info().state.messages
}
