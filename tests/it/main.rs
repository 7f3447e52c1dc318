//! The tests that cross crates, in one binary: it links once.
// The lint knows test functions only, not what they call.
#![allow(clippy::unwrap_used)]

mod devices;
mod example;
mod hotel;
mod hotel_campaign;
mod hotel_faults;
mod hotel_on_nats;
mod hotel_run;
