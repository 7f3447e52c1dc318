//! What JetStream does that a store can fall over, each trap as a test by name.

mod batches;
pub(crate) mod bench;
mod conflicts;
mod connection;
mod defects;
mod drift;
mod elections;
mod foreign;
mod hints;
mod lost_end;
mod lost_start;
mod permissions;
mod reading;
mod recreated;
mod repeats;
mod set_up;
mod stale;
mod time_outs;
