//! The NATS JetStream store of [eventmodel](https://docs.rs/eventmodel): the same model on a server or a cluster.

mod append;
mod builder;
mod committed;
mod connection;
mod drift;
mod error;
mod get;
mod history;
mod load;
mod log;
mod message;
mod pages;
mod plan;
mod read;
mod refusal;
mod setup;
mod snapshot;
mod store;

pub use async_nats;
pub use builder::NatsStoreBuilder;
pub use connection::ConnectionEvent;
pub use error::ConnectError;
pub use store::NatsStore;
