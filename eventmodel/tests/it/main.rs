//! The engine, the store in memory and the testing kit, in one binary: it links once.
// The lint knows test functions only, not what they call.
#![allow(clippy::unwrap_used)]

mod automations;
mod broken_stores;
mod command_bodies;
mod engine;
mod faults;
mod feeds;
mod log_inboxes;
mod memory;
mod models;
mod panics;
mod read_back;
mod snapshots;
mod states_by_hand;
mod testing;
mod tokens;
mod views;
