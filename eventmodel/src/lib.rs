#![doc = include_str!("../README.md")]
//!
//! # The words
//!
//! | word | meaning | here |
//! |---|---|---|
//! | event model | one bounded context: its slices in the order of time. Started, it is the program | [`EventModel`], [`App`] |
//! | slice | one step of the story | [`Slice`] |
//! | stream | a row of events with a typed key; one key is one *instance* | [`Stream`] |
//! | log | where streams are stored, in one order | [`Store`] |
//! | event | a fact, in the past tense | [`Event`] |
//! | command | an intent: decides on state, emits events, or is rejected | [`Command`], [`Decide`] |
//! | projection | a fold of events by key: the *state* of a decision, a *view*, or both | [`Projection`], [`View`] |
//! | automation | reacts to events, issues commands | [`Automation`] |
//! | position | the number of an event in its log | [`Position`] |
//! | guard | "nothing on this subject after that position" | [`Guard`](record::Guard) |
//! | receipt | what a successful command returns | [`Receipt`] |
//!
//! # What holds
//!
//! - The events of a command are all stored, or none, and only if nothing it was decided on has changed meanwhile.
//!   Conflicts are decided again with fresh state, bounded ([`AppOptions::max_attempts`]).
//! - A command that is executed again under its id ([`ExecuteOptions::id`]) is not decided again: it gives the first
//!   receipt.
//! - When it is not known whether a command was stored, the error says so: [`ExecuteError::UnknownOutcome`]. Every other
//!   error means that nothing was.
//! - A view skips nothing and applies nothing twice. Asked with [`View::after`], it has seen what was just written.
//! - An automation handles the events of an instance in order, and each command it issues is executed once. What it
//!   cannot handle is parked and shown ([`App::parked`]); other instances go on. What is no fault of an event, as a store
//!   that is full, parks nothing: it waits, and goes on by itself.
//! - What cannot be read is never skipped: [`DecodeError`](record::DecodeError).
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `derive` (default) | the derive macros and attributes |
//! | `schemars` | JSON Schemas of events and commands that derive `schemars::JsonSchema` |
//! | `garde` | [`Command::validate`] from `garde::Validate`: `#[command(garde)]` |
//! | `chrono`, `time` | [`SubjectToken`] for the dates and times of these crates; those of `jiff` always have it |
//! | `testing` | `eventmodel::testing`: given/when/then specs. For `[dev-dependencies]` |

pub mod board;
pub mod engine;
mod macro_support;
pub mod memory;
pub mod model;
pub mod record;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;
mod trouble;

// What one who models needs. The rest stands in the rooms: `store` for authors of stores, `board` for tools.
pub use board::{EventModel, Slice};
pub use engine::{
    App, AppOptions, EventQuery, ExecuteError, ExecuteOptions, Failure, NotDrained, RetryError,
    StartError, View, ViewInstance,
};
pub use memory::MemoryStore;
pub use model::{
    Automation, Command, Commands, Decide, Decision, Event, Events, IntoCommands, Key, NoRejection,
    Now, Projection, ReactError, Rejection, Stream, Unguarded, Violation, Violations, emit, reject,
};
pub use record::{
    Codec, CodecError, CommandId, EventId, Json, Metadata, Position, Receipt, RecordedEvent,
    SubjectToken,
};
pub use store::{Parked, Store, StoreError, ViewError};

#[cfg(feature = "derive")]
pub use eventmodel_derive::{
    Command, Event, Rejection, Stream, SubjectToken, automation, projection,
};

/// What the macros expand to. Not a part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::board::*;
    pub use crate::macro_support::{
        ByName, ErasedSlot, FromFields, FromReaction, FromRecorded, Given, HasField, IdWriter,
        LogLimit, Otherwise, Probe, Reacting, Reaction, Slot, both_valid, garde_validate,
        issues_of, state_part, stream, stream_key, valid,
    };
    pub use crate::model::*;
    pub use crate::record::*;
    pub use serde::Serialize;
    pub use serde::de::DeserializeOwned;
    pub use std::boxed::Box;
    pub use std::string::String;
    pub use std::sync::Arc;
}
