//! `generate`: a file to try `onboard` with.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Ending;
use super::error::CliError;
use crate::bulk::generate::{Fleet, generate};
use crate::bulk::{Format, InputProblem};

#[derive(Args, Debug)]
pub(super) struct GenerateOptions {
    /// How many devices, one a line.
    #[arg(long, default_value_t = 100_000)]
    devices: u64,

    /// The file; what is in it is replaced. `-` is the standard output.
    #[arg(long, short, default_value = "-")]
    output: PathBuf,

    /// How it is written. Else the end of the file's name tells (.csv, .ndjson, .jsonl); CSV for the standard output.
    #[arg(long)]
    format: Option<Format>,

    /// How many of the lines are wrong, each in another way than the one before.
    #[arg(long, default_value_t = 0)]
    wrong: u64,

    /// How many of the devices have a firmware that is too old to join.
    #[arg(long, default_value_t = 0)]
    outdated: u64,

    /// The same seed gives the same file.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(options: &GenerateOptions) -> Ending {
    let GenerateOptions {
        devices,
        wrong,
        outdated,
        seed,
        ..
    } = *options;
    if wrong.saturating_add(outdated) > devices {
        return Err(CliError::TooMany {
            wrong,
            outdated,
            devices,
        });
    }
    let to_stdout = options.output == Path::new("-");
    let told = options.format.or_else(|| Format::of(&options.output));
    let format = match told {
        Some(format) => format,
        None if to_stdout => Format::Csv,
        None => {
            return Err(InputProblem::Format {
                path: options.output.clone(),
            }
            .into());
        }
    };
    let fleet = Fleet {
        devices,
        wrong,
        outdated,
        seed,
    };
    let written = if to_stdout {
        write(&fleet, format, io::stdout().lock())
    } else {
        File::create(&options.output).and_then(|file| write(&fleet, format, file))
    };
    match written {
        // Whoever reads has seen enough: `generate | head`.
        Err(error) if to_stdout && error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            return Err(CliError::Write {
                path: options.output.clone(),
                error,
            });
        }
        Ok(()) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn write(fleet: &Fleet, format: Format, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    generate(fleet, format, &mut out)?;
    out.flush()
}
