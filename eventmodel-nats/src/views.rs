//! Views in KV buckets: kept across restarts, shared by the processes of an app, read by anything that speaks NATS.
//!
//! # What is promised
//!
//! The entry of a key holds each of its events once, in order, however many processes host the view and whenever they
//! die.
//!
//! # How
//!
//! - An entry is one value: the state, and for each log the position of the last event in it. A write names the value
//!   that it replaces; the server refuses it if another one is there. So an entry holds exactly the events up to its
//!   positions, and a process that finds the entry further on skips what is in it.
//! - The server stores a late write, whose sender has given up, only if nothing followed what it replaces. Then it is
//!   what the next writer would have written.
//! - Each log has a checkpoint, a key of the same bucket. It moves on after all entries up to it are stored, and never
//!   back. A process starts there, and reads again some events that their entries already hold.
//! - Each process that lists the view keeps its keys in order (`index.rs`): those that were there, and those of the events
//!   it was given since.
//! - So it does not matter which process writes, only that one has.

mod bucket;
mod build;
mod checkpoint;
mod current;
mod entries;
mod host;
mod index;
mod key;
mod list;
mod options;
mod positions;
mod table;
mod values;
mod watch;

pub(crate) use host::KvHost;
pub use options::{KvViews, Views};
