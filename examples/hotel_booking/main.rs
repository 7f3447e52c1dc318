//! The hotel as a program: `cargo run --example hotel_booking`, and it says what to try.

mod adapter;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use eventmodel::{ExecuteError, NotDrained};
use hotel_booking::command::CreateRoomRejection;
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use adapter::cli::Options;
use adapter::demo::{self, DemoError};
use adapter::http::{self, HttpError};
use adapter::store::{Opened, StoreError};

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the hotel cannot open")]
    Store(#[from] StoreError),
    #[error("the rooms cannot be created")]
    Rooms(#[from] ExecuteError<CreateRoomRejection>),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the story broke off")]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Drain(#[from] NotDrained),
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), RunError> {
    if options.demo {
        let Opened { app, .. } = open(&options).await?;
        demo::play(&app, io::stdout().lock()).await?;
        app.shutdown().await?;
        return Ok(());
    }
    // Before the hotel opens: a port that is taken is the most likely mistake.
    let listener = http::listen(&options.host, options.port).await?;
    let opened = open(&options).await?;
    http::run(listener, opened, &options.store).await?;
    Ok(())
}

/// The hotel with its rooms.
async fn open(options: &Options) -> Result<Opened, RunError> {
    let opened = options.store.start(hotel_booking(), options.replicas);
    let opened = opened.await?;
    create_rooms(&opened.app, ROOMS).await?;
    Ok(opened)
}

/// Prints an error and what caused it. It cannot be helped if that fails, too.
fn report(error: &dyn std::error::Error) {
    let mut text = format!("hotel_booking: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        // Some errors tell their cause themselves.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
}
