//! A tool that registers and validates many devices, one for each line of a file; the bot does the rest. It is no part of
//! the event model.
//!
//! You can run a line as often as you like, because the ids of its commands follow from the device. So you resume a run
//! by starting it again, and no file says how far it came.

mod csv;
mod format;
pub mod generate;
mod input;
mod lines;
mod ndjson;
mod problem;
mod progress;
mod server;
mod summary;
mod target;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

pub use format::Format;
pub use input::Input;
pub use lines::MAX_LINE;
pub use problem::{InputProblem, WrongLine};
pub use progress::Progress;
pub use server::{Server, UrlError};
pub use summary::{Outcome, Summary};
pub use target::{Target, TargetError};

use input::Read;

/// Why a run ended before its input did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// Someone stopped it.
    #[error("stopped")]
    Stopped,
    /// The file cannot be used.
    #[error("{name}: {problem}")]
    Input {
        /// The file.
        name: String,
        /// What is wrong with it.
        #[source]
        problem: InputProblem,
    },
    /// The target gave no answer.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Onboards the devices of a file, `concurrency` of them at the same time. Tells `watch` of each line in its order, and
/// counts in `summary` what came of the lines, even if it ends early.
///
/// # Errors
/// [`Ended`]: why it ended before the file did. A line that is wrong ends nothing.
pub async fn onboard(
    input: Input,
    target: &Target,
    concurrency: NonZeroUsize,
    stop: &CancellationToken,
    summary: &mut Summary,
    watch: &mut impl Watch,
) -> Result<(), Ended> {
    let name = input.name().to_owned();
    watch.starts(&name, input.size());
    let (lines, bytes) = input.read();
    // A stop lets what is in flight finish, so that each line that was sent is also reported.
    let results = ReceiverStream::new(lines)
        .take_until(stop.cancelled())
        .map(|read| async {
            match read {
                Read::Line {
                    number,
                    device: Ok(device),
                } => Ok(Seen::Line(number, target.onboard(device).await?)),
                Read::Line {
                    number,
                    device: Err(wrong),
                } => Ok(Seen::Line(number, Outcome::Wrong(wrong))),
                Read::Note(note) => Ok(Seen::Note(note)),
                Read::Problem(problem) => Err(Ended::Input {
                    name: name.clone(),
                    problem,
                }),
            }
        })
        .buffered(concurrency.get());
    let mut results = std::pin::pin!(results);
    while let Some(seen) = results.next().await {
        match seen? {
            Seen::Line(number, outcome) => {
                summary.add(&outcome);
                let bytes = bytes.load(Ordering::Relaxed);
                watch.line(&name, number, &outcome, bytes);
            }
            Seen::Note(note) => watch.note(&name, &note),
        }
    }
    if stop.is_cancelled() {
        Err(Ended::Stopped)
    } else {
        Ok(())
    }
}

enum Seen {
    Line(u64, Outcome),
    Note(String),
}

/// Who is told how a run goes.
pub trait Watch {
    /// A file is begun; its size in bytes, if that is known.
    fn starts(&mut self, _name: &str, _size: Option<u64>) {}
    /// A line was done; so many bytes of its file were read.
    fn line(&mut self, name: &str, number: u64, outcome: &Outcome, bytes: u64);
    /// Something about the file is worth a note.
    fn note(&mut self, _name: &str, _note: &str) {}
}
