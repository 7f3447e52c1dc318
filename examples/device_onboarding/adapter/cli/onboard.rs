//! `onboard`: many devices at once, and in the end what came of them.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::error::CliError;
use super::{Ending, say, start};
use crate::bulk::{Ended, Format, Input, Progress, Server, Summary, Target, onboard};
use crate::projection::FleetOverview;

#[derive(Args, Debug)]
pub(super) struct OnboardOptions {
    /// The files, one after the other. `-` is the standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// How they are written: CSV with the columns deviceId, firmware, and if you have them serial and mac; or a JSON
    /// object with these fields a line. Else the end of a file's name tells: .csv, .ndjson, .jsonl.
    #[arg(long)]
    format: Option<Format>,

    /// The running server that the devices join, as in http://127.0.0.1:3000. Else an app in this process, which ends
    /// with it.
    #[arg(long)]
    url: Option<String>,

    /// How many devices are under way at the same time.
    #[arg(long, default_value = "64", value_parser = concurrency)]
    concurrency: NonZeroUsize,
}

fn concurrency(text: &str) -> Result<NonZeroUsize, &'static str> {
    let number: Option<NonZeroUsize> = text.parse().ok();
    number
        .filter(|number| number.get() <= 1024)
        .ok_or("a number from 1 to 1024")
}

/// Some lines were wrong. Not 2, which is what a mistake in the arguments ends with.
const SOME_WRONG: u8 = 3;
/// As a shell has it for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

pub(super) async fn run(options: OnboardOptions) -> Ending {
    let inputs = inputs(&options)?;
    let target = target(options.url.as_deref()).await?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_at_ctrl_c(stop.clone()));

    let started = Instant::now();
    let mut summary = Summary::default();
    let mut progress = Progress::new();
    let mut ended = Ok(());
    for input in inputs {
        ended = onboard(
            input,
            &target,
            options.concurrency,
            &stop,
            &mut summary,
            &mut progress,
        )
        .await;
        if ended.is_err() {
            break;
        }
    }
    progress.finish();
    if summary.lines > 0 || ended.is_ok() {
        say(summary.in_words(started.elapsed()));
    }

    match ended {
        Err(Ended::Stopped) => {
            say(format_args!("Stopped. {}", how_to_go_on(&target)));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(Ended::Target(error)) => {
            return Err(CliError::NoAnswer {
                error,
                advice: how_to_go_on(&target),
            });
        }
        Err(error) => return Err(error.into()),
        Ok(()) => {}
    }
    let fleet = settled(&target).await?;
    say(format_args!(
        "{} after {:.1} s",
        fleet,
        started.elapsed().as_secs_f64()
    ));
    if let Target::App(app) = &target {
        app.shutdown().await?;
    }
    Ok(if summary.wrong > 0 {
        ExitCode::from(SOME_WRONG)
    } else {
        ExitCode::SUCCESS
    })
}

fn how_to_go_on(target: &Target) -> &'static str {
    match target {
        Target::App(_) => "The app in this process ends with it, and its devices with the app.",
        Target::Server(_) => "Run it again to go on: what is done is not done twice.",
    }
}

fn inputs(options: &OnboardOptions) -> Result<Vec<Input>, CliError> {
    let stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    if options.files.iter().filter(stdin).count() > 1 {
        return Err(CliError::StdinTwice);
    }
    let inputs = options
        .files
        .iter()
        .map(|path| Input::new(path, options.format));
    Ok(inputs.collect::<Result<_, _>>()?)
}

async fn target(url: Option<&str>) -> Result<Target, CliError> {
    let Some(url) = url else {
        let _ = writeln!(
            io::stderr(),
            "Into an app in this process, which ends with it. With --url the devices join a running server."
        );
        return Ok(Target::App(start().await?));
    };
    let server = Server::new(url)?;
    // A wrong address is found here, and not at the first line.
    server.check().await?;
    Ok(Target::Server(server))
}

/// The first Ctrl-C lets what is under way end, the second does not.
async fn stop_at_ctrl_c(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    let _ = writeln!(
        io::stderr(),
        "\nStopping: what is under way is finished. Ctrl-C again does not wait for it."
    );
    stop.cancel();
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(INTERRUPTED.into());
    }
}

/// The fleet, when the bot has done its part, or as it is after a while.
async fn settled(target: &Target) -> Result<FleetOverview, CliError> {
    const WAIT: Duration = Duration::from_millis(100);
    const MOST_WAITS: u32 = 100;

    let mut fleet = target.fleet().await?;
    for _ in 0..MOST_WAITS {
        if fleet.validated == 0 {
            break;
        }
        tokio::time::sleep(WAIT).await;
        fleet = target.fleet().await?;
    }
    Ok(fleet)
}
