//! The testing kit: what specs check, and what they say when they fail.

mod automation_spec;
mod panics;
mod spec;
mod spec_codecs;
mod spec_hidden_checks;
mod view_spec;
