//! The NATS JetStream store of [eventmodel]: the same model, on a server or on a cluster.
//!
//! ```no_run
//! use eventmodel::EventModel;
//! use eventmodel_nats::NatsStore;
//!
//! # async fn start(hotel: EventModel) -> Result<(), Box<dyn std::error::Error>> {
//! let store = NatsStore::connect("nats://localhost:4222").await?;
//! let app = hotel.start(store).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A log is a JetStream stream, a stream instance is a literal subject in it, an event is a message. A command with one
//! event and one guard is one publish; any other is one atomic batch (ADR-50). After a lost answer, a conflict or a
//! repeated id the store reads the truth back from the log, in the same way on one replica and on three.
//!
//! | to see | start at |
//! |---|---|
//! | how to connect, and with what rights | [`NatsStore::builder`] |
//! | what happens to the connection | [`NatsStore::connection_events`] |
//! | how a model maps to JetStream, what is durable when, what the limits are | `docs/jetstream.md` in the repository |
//!
//! It needs nats-server 2.14.4 or newer with JetStream, and runs on tokio. Servers from 2.12.1 on suffice for models
//! whose commands have one guard each: see [`NatsStoreBuilder::accept_defect`].
//!
//! [eventmodel]: https://docs.rs/eventmodel

mod audit;
mod builder;
mod connect;
mod inbox;
mod log;
mod service;
mod store;
mod sync;
mod views;

pub use async_nats;
pub use builder::NatsStoreBuilder;
pub use connect::connection::ConnectionEvent;
pub use connect::error::ConnectError;
pub use service::{NatsCommands, NotStopped, ServeError, ServedCommands};
pub use store::NatsStore;
pub use views::{KvViews, Views};

/// The code of the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
