//! What the macros accept: a module each, compiled without a warning and run.
// What matters is what the compiler says of generated code.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used)]

mod aliases_and_newtypes;
mod crate_path;
mod descriptions;
mod few_fields;
mod fragments;
mod generics;
mod hotel;
mod lifetimes;
mod made_by_a_macro;
mod raw_identifiers;
mod several_streams;
mod shadowed_names;
// Its lints are about what other crates see.
pub mod visibility;
