//! Views in KV buckets: kept across restarts, shared by the processes of an app, read by anything that speaks NATS.
//!
//! # What is promised
//!
//! Each event is in the entry of its key once, in order, however many processes host the view and whenever they die.
//!
//! # How
//!
//! - An entry is one value: the state, and of each log the position of the last event in it. A write says which value
//!   it replaces; the server refuses it if there is another one. So the events of an entry are those up to its
//!   positions, and whoever finds it further on than it thought leaves out what is in it.
//! - A write that is stored late, after its answer was given up, is stored only if nothing came after what it
//!   replaces. Then it is what the next writer would have written.
//! - A checkpoint for each log, a key of the same bucket, is moved on after all entries up to it are stored, and never
//!   back. A process starts there, and reads some events again that are in their entries already.
//! - So it does not matter who writes, and it is enough to know that somebody has.

mod bucket;
mod build;
mod checkpoint;
mod current;
mod entries;
mod feed;
mod host;
mod key;
mod list;
mod options;
mod positions;
mod values;
mod watch;

pub(crate) use host::KvHost;
pub use options::{KvViews, Views};
