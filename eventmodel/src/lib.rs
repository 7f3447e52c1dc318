//! Write an event model as Rust types; run it, test it, look at it.
//!
//! Each post-it of an [Event Modeling](https://eventmodeling.org) board is a small type, and the types together are
//! the program: the engine appends what commands decide, atomically and under guards, keeps views up to date and
//! runs automations.
//!
//! ```
//! use eventmodel::{
//!     Command, Decide, Decision, Event, EventModel, MemoryStore, Rejection, Slice, Stream, emit, projection,
//!     reject,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! /// A row of the board: each room has a history of its own.
//! #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
//! #[stream(subject = "booking.{room}")]
//! struct Booking { room: u32 }
//!
//! /// A guest has the room.
//! #[derive(Event, Serialize, Deserialize)]
//! #[event(stream = Booking)]
//! struct RoomBooked { room: u32, guest: String }
//!
//! #[derive(Default, Serialize, Deserialize, Clone)]
//! struct Occupancy { guest: Option<String> }
//!
//! /// Who has the room: what commands decide on, and what people look at.
//! #[projection(key = Booking)]
//! impl Occupancy {
//!     fn booked(&mut self, event: &RoomBooked) { self.guest = Some(event.guest.clone()); }
//! }
//!
//! /// Books a room.
//! #[derive(Command, Serialize, Deserialize)]
//! #[command(state = Occupancy, emits(RoomBooked), rejects = Refused)]
//! struct BookRoom { room: u32, guest: String }
//!
//! #[derive(Rejection, Serialize, Debug, thiserror::Error)]
//! enum Refused {
//!     #[error("room {room} is booked already")]
//!     AlreadyBooked { room: u32 },
//! }
//!
//! impl Decide for BookRoom {
//!     fn decide(&self, occupancy: &Occupancy) -> Decision<Self> {
//!         match occupancy.guest {
//!             Some(_) => reject(Refused::AlreadyBooked { room: self.room }),
//!             None => emit(RoomBooked { room: self.room, guest: self.guest.clone() }),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = EventModel::new("hotel")
//!     .slice(Slice::new("Guest books a room").view::<Occupancy>().command::<BookRoom>())
//!     .start(MemoryStore::new())
//!     .await?;
//! let receipt = app.execute(BookRoom { room: 1, guest: "Ada".into() }).await?;
//! let occupancy = app.view::<Occupancy>().after(receipt.position).get(&Booking { room: 1 }).await?;
//! assert_eq!(occupancy.unwrap().guest.as_deref(), Some("Ada"));
//! assert!(app.execute(BookRoom { room: 1, guest: "Bob".into() }).await.is_err());
//! app.shutdown().await?;
//! # Ok(())
//! # }
//! ```
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
//! The store of this crate, [`MemoryStore`], keeps nothing after the process ends.
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
//!
//! The crate `eventmodel-testing` has the conformance suite for stores, and a store that fails on purpose.

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

/// The code of the README is compiled and run.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
mod readme {}

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
