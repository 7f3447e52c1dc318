//! Tests for a [`Store`](eventmodel::Store), and a store to test a whole model on.
//!
//! - [`store_contract!`] and [`hosts_contract!`]: what every store must do, as tests that any store can be put under.
//! - [`FaultyStore`]: injects the faults of a network into any store, to run a model on.
//!
//! For `[dev-dependencies]`. The specs of commands, views and automations are in `eventmodel::testing`.

#[doc(hidden)]
pub mod contract;
mod faulty;

pub use faulty::{Faults, FaultyStore, Injected};

/// The code of the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
