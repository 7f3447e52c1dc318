//! Second room: what the attributes and the item mean together. Nothing here writes Rust.

pub(crate) mod automation;
pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod projection;
pub(crate) mod stream;
