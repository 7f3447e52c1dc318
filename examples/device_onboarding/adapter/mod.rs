//! How the outside comes in: HTTP, files of devices, and the command line that starts them.

pub mod cli;
pub mod generate;
pub mod http;
pub mod onboard;
