//! What a model is tested with: specs in the words given, when and then.
//!
//! - [`spec`]: given some events, when a command is executed, then it emits, or is rejected.
//! - [`view_spec`]: given some events, then a view shows this.
//! - [`automation_spec`]: given an event, then an automation issues commands.
//!
//! Specs are synchronous and need neither a store nor a runtime nor a server. A whole running model, and a store itself,
//! are tested with the crate `eventmodel-testing`: a store that fails on purpose, and the conformance suite.

mod automation_spec;
mod given;
mod report;
mod scene;
mod spec;
mod view_spec;

pub use automation_spec::{AutomationSpec, automation_spec, automation_spec_with};
pub use given::{GivenEvents, IntoGiven};
#[doc(hidden)]
pub use spec::HasWhen;
pub use spec::{NoWhen, Spec, When, spec};
pub use view_spec::{ViewSpec, ViewThen, view_spec};
