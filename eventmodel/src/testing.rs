//! What a model is tested with: specs in the words given, when and then, and a store that fails on purpose.
//!
//! - [`spec`]: given some events, when a command is executed, then it emits, or is rejected.
//! - [`view_spec`]: given some events, then a view shows this.
//! - [`automation_spec`]: given an event, then an automation issues commands.
//!
//! Specs are synchronous and need neither a store nor a runtime nor a server. [`FaultyStore`] is for a whole running
//! model: it injects the faults of a network into any store.
//!
//! A store itself is tested with `store_contract!` and `hosts_contract!`, with the feature `store-contract`.

mod automation_spec;
#[cfg(feature = "store-contract")]
#[doc(hidden)]
pub mod contract;
mod faulty;
mod given;
mod report;
mod scene;
mod spec;
mod view_spec;

#[cfg(feature = "store-contract")]
#[doc(inline)]
pub use crate::{__hosts_contract as hosts_contract, __store_contract as store_contract};
pub use automation_spec::{AutomationSpec, automation_spec, automation_spec_with};
pub use faulty::{Faults, FaultyStore, Injected};
pub use given::{GivenEvents, IntoGiven};
#[doc(hidden)]
pub use spec::HasWhen;
pub use spec::{NoWhen, Spec, When, spec};
pub use view_spec::{ViewSpec, ViewThen, view_spec};
