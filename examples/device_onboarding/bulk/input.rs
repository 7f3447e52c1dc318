//! Where lines come from: a thread of its own reads a file, or the standard input, and is never more than a few
//! lines ahead.

use std::fmt;
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
pub struct Input {
    name: String,
    source: Source,
    format: Format,
}

enum Source {
    File(PathBuf),
    Stdin,
    Reader(Box<dyn BufRead + Send>),
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
        let Some(format) = format.or_else(|| Format::of(&path)) else {
            return Err(InputProblem::Format { path });
        };
        let (name, source) = if path == Path::new("-") {
            ("stdin".to_owned(), Source::Stdin)
        } else {
            (path.display().to_string(), Source::File(path))
        };
        Ok(Self {
            name,
            source,
            format,
        })
    }

    /// What a reader gives, under a name.
    pub fn reader(name: &str, format: Format, reader: impl BufRead + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            source: Source::Reader(Box::new(reader)),
            format,
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has, if that is known before it is read.
    pub(super) fn size(&self) -> Option<u64> {
        let Source::File(path) = &self.source else {
            return None;
        };
        let metadata = std::fs::metadata(path).ok()?;
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
                .source
                .open()
                .and_then(|input| send(input, self.format, &lines, &counter));
            if let Err(problem) = end {
                // An error says that nobody wants to know any more.
                let _ = lines.blocking_send(Read::Problem(problem));
            }
        });
        (receiver, bytes)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, .. } = self;
        f.debug_struct("Input")
            .field("name", name)
            .field("format", format)
            .finish_non_exhaustive()
    }
}

impl Source {
    fn open(self) -> Result<Box<dyn BufRead>, InputProblem> {
        match self {
            Self::File(path) if path.is_dir() => {
                Err(io::Error::from(io::ErrorKind::IsADirectory).into())
            }
            Self::File(path) => Ok(Box::new(BufReader::with_capacity(
                64 * 1024,
                File::open(path)?,
            ))),
            Self::Stdin => Ok(Box::new(BufReader::new(io::stdin()))),
            Self::Reader(reader) => Ok(reader),
        }
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
