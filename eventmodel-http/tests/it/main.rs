//! The adapter over real connections.

#![allow(clippy::unwrap_used)]

mod bodies;
mod commands;
mod held;
mod hostile;
mod idempotency;
mod model;
mod operators;
mod own_routes;
mod preconditions;
mod problems;
mod property;
mod server;
mod serving;
mod trouble;
mod views;
mod watching;
