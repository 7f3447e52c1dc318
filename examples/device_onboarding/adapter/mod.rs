//! How the outside comes in: HTTP, and the command line that starts it.

pub mod cli;
pub mod http;
