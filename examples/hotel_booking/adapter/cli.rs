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

    /// Where the events are kept: `memory`, which ends with the program, or NATS servers with JetStream, such as
    /// `nats://localhost:4222`. Several hotels on the same servers are one hotel.
    #[arg(
        long,
        env = "NATS_URL",
        hide_env_values = true,
        default_value = "memory"
    )]
    pub(crate) store: StoreChoice,

    /// How many NATS servers keep a copy of each log: 3 in production, which needs a cluster. 1, if the log is new.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(crate) replicas: Option<u8>,

    /// Plays the story by itself, prints it, and ends. Nothing listens meanwhile.
    #[arg(long)]
    pub(crate) demo: bool,
}
