//! What the tests of several crates share.
//!
//! - [`bank`]: the model that most tests run, with text as keys. [`savings`] has numbers as keys, an event of two
//!   streams, handlers that read metadata and rules of several states: what specs and seeded faults are about.
//! - [`world`] and [`seeds`]: apps on one log, clients that do not give up, and what must hold in the end.
//! - [`hotel`]: the hotel's requests.
//! - [`measured`]: the model that the benchmarks of the engine and of the JetStream store run.
//! - `served` and `client`, with the feature `http`: an app on a port of its own, and a client that sends bytes.
//! - [`torn`]: a store that cannot read one event.
//! - [`settling`]: what an app that settles or stops waits for. [`until`]: any other wait.

// The lint knows test functions only, not what they call. The models document themselves by their names.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::missing_panics_doc
)]

pub mod bank;
#[cfg(feature = "http")]
pub mod client;
pub mod hotel;
pub mod layer;
pub mod measured;
pub mod savings;
pub mod seeds;
#[cfg(feature = "http")]
pub mod served;
pub mod settling;
pub mod torn;
mod wait;
pub mod world;

pub use wait::until;

/// What an environment variable says, to repeat a run or to make it longer.
pub fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
