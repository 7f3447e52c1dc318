//! How the engine reports trouble: it catches panics, cuts texts, and limits log lines that repeat.

mod excerpt;
pub(crate) mod log_limit;
pub(crate) mod panics;

pub(crate) use excerpt::excerpt;
pub(crate) use log_limit::limited;
