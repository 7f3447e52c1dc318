//! The command line.

mod demo;
mod error;
mod generate;
mod onboard;
mod serve;
mod welcome;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use eventmodel::{App, MemoryStore, StartError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::device_onboarding;

use error::CliError;

/// Devices join a fleet: they register, an operator validates them, a bot provisions them, they connect.
///
/// Without arguments it listens for HTTP and says what to try.
#[derive(Parser, Debug)]
#[command(
    name = "device_onboarding",
    version,
    args_conflicts_with_subcommands = true
)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::ServeOptions,

    /// Plays the story by itself, prints it, and ends. Nothing listens meanwhile.
    #[arg(long, conflicts_with_all = ["port", "host"])]
    demo: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Listens for HTTP. What happens without arguments, too.
    Serve(serve::ServeOptions),
    /// Onboards the devices of files: registers each and has it validated.
    ///
    /// A line that is wrong is reported with its number, and the rest goes on. Run it again to resume: what is done
    /// is not done twice.
    #[command(after_help = STATUS)]
    Onboard(onboard::OnboardOptions),
    /// Writes a file of devices to try `onboard` with.
    Generate(generate::GenerateOptions),
}

const STATUS: &str = "\
It ends with the status
  0    every line was understood and taken
  1    it could not go on: a file cannot be read, the server gives no answer
  2    its arguments are wrong
  3    some lines were wrong
  130  Ctrl-C stopped it";

/// Runs the program.
pub async fn run() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let result = match options.command {
        _ if options.demo => demo::run().await,
        None => serve::run(options.serve).await,
        Some(Command::Serve(options)) => serve::run(options).await,
        Some(Command::Onboard(options)) => onboard::run(options).await,
        Some(Command::Generate(options)) => generate::run(&options),
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "device_onboarding: {error}");
        ExitCode::FAILURE
    })
}

/// How a part of the program ends: with a status, or an error that is printed.
type Ending = Result<ExitCode, CliError>;

async fn start() -> Result<App, StartError> {
    device_onboarding().start(MemoryStore::new()).await
}

/// Prints a line. Whether anybody reads it makes no difference.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_each_other() {
        Options::command().debug_assert();
    }

    #[test]
    fn no_argument_is_taken_and_ignored() {
        let parsed =
            |args: &[&str]| Options::try_parse_from([&["device_onboarding"], args].concat());
        assert!(parsed(&["serve", "--port", "1"]).is_ok());
        assert!(parsed(&["--port", "1", "onboard", "a.csv"]).is_err());
        assert!(parsed(&["--demo", "serve"]).is_err());
        assert!(parsed(&["--demo", "--port", "1"]).is_err());
        assert!(parsed(&["onboard"]).is_err());
        assert!(parsed(&["onboard", "a.csv", "--concurrency", "0"]).is_err());
    }
}
