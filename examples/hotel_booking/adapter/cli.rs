//! The command line.

use clap::Parser;

use super::store::StoreChoice;

/// A hotel as an event model: guests book, a bot plans the cleaning, teams clean, guests check in.
///
/// Without arguments it listens for HTTP and says what to try.
#[derive(Parser, Debug)]
#[command(name = "hotel_booking", version)]
pub(crate) struct Options {
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// The name or the address of this machine to listen on; 0.0.0.0 is all of them.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,

    /// Where the events are kept: `memory`, which ends with the program.
    #[arg(long, default_value_t = StoreChoice::Memory)]
    pub(crate) store: StoreChoice,

    /// Plays the story by itself, prints it, and ends. Nothing listens meanwhile.
    #[arg(long)]
    pub(crate) demo: bool,
}
