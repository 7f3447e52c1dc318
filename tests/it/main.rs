//! The tests of the whole workspace, in one binary: it links once.
// The lint knows test functions only, not what they call.
#![allow(clippy::unwrap_used)]

mod automations;
mod broken_stores;
mod client;
mod command_bodies;
mod devices;
mod engine;
mod example;
mod faults;
mod hotel;
mod hotel_faults;
mod memory;
mod models;
mod nats;
mod panics;
mod read_back;
mod served;
mod snapshots;
mod states_by_hand;
mod testing;
mod tokens;
mod views;
