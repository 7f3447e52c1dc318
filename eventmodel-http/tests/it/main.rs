//! The adapter over real connections.

mod commands;
mod model;
mod server;
