//! How trouble is told: a panic is caught, a text is cut, a line of the log does not repeat itself.

mod excerpt;
pub(crate) mod log_limit;
pub(crate) mod panics;

pub(crate) use excerpt::excerpt;
pub(crate) use log_limit::limited;
