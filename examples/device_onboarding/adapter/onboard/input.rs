//! Where lines come from: a thread of its own reads a file, or the standard input, and is never more than a few
//! lines ahead.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::format::Format;
use super::lines::Lines;
use super::{InputProblem, WrongLine};
use crate::command::RegisterDevice;

/// How many lines are read ahead.
const AHEAD: usize = 1024;

/// A file that is to be read.
#[derive(Clone, Debug)]
pub struct Input {
    path: PathBuf,
    format: Format,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    Line {
        number: u64,
        device: Result<RegisterDevice, WrongLine>,
    },
    Note(String),
    Problem(InputProblem),
}

impl Input {
    /// The file at `path`, `-` for the standard input. Its name tells its format, unless it is given.
    ///
    /// # Errors
    /// [`InputProblem::Format`] if neither tells it.
    pub fn new(path: impl Into<PathBuf>, format: Option<Format>) -> Result<Self, InputProblem> {
        let path = path.into();
        match format.or_else(|| Format::of(&path)) {
            Some(format) => Ok(Self { path, format }),
            None => Err(InputProblem::Format { path }),
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        if self.is_stdin() {
            "stdin".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// How many bytes it has, if that is known before it is read.
    pub(super) fn size(&self) -> Option<u64> {
        if self.is_stdin() {
            return None;
        }
        let metadata = std::fs::metadata(&self.path).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Reads it, and counts the bytes that were read.
    pub(super) fn read(self) -> (mpsc::Receiver<Read>, Arc<AtomicU64>) {
        let (lines, receiver) = mpsc::channel(AHEAD);
        let bytes = Arc::new(AtomicU64::new(0));
        let counter = bytes.clone();
        // Not a task of the runtime: a read from a terminal cannot be interrupted, and must not keep the program
        // from ending.
        std::thread::spawn(move || {
            let end = self
                .open()
                .and_then(|input| send(input, self.format, &lines, &counter));
            if let Err(problem) = end {
                // An error says that nobody wants to know any more.
                let _ = lines.blocking_send(Read::Problem(problem));
            }
        });
        (receiver, bytes)
    }

    fn open(&self) -> Result<Box<dyn BufRead>, InputProblem> {
        if self.is_stdin() {
            return Ok(Box::new(BufReader::new(io::stdin())));
        }
        if self.path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        Ok(Box::new(BufReader::with_capacity(
            64 * 1024,
            File::open(&self.path)?,
        )))
    }
}

fn send(
    mut input: Box<dyn BufRead>,
    format: Format,
    out: &mpsc::Sender<Read>,
    counter: &AtomicU64,
) -> Result<(), InputProblem> {
    if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = input.fill_buf()? {
        return Err(InputProblem::Utf16);
    }
    let mut parser = format.parser();
    let mut lines = Lines::new(input);
    let mut notes = Vec::new();
    while let Some((number, line)) = lines.next()? {
        let line = parser.line(line, &mut notes)?;
        let line = line.transpose().map(|device| Read::Line { number, device });
        for read in notes.drain(..).map(Read::Note).chain(line) {
            if out.blocking_send(read).is_err() {
                return Ok(());
            }
        }
        counter.store(lines.bytes(), Ordering::Relaxed);
    }
    Ok(())
}
