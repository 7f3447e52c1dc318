//! What can be wrong with a line, and what with a whole file.

use std::io;
use std::path::PathBuf;

use super::lines::MAX_LINE;

/// What is wrong with a line. It is reported with its number, and the rest of the file goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongLine {
    /// It is longer than [`MAX_LINE`].
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// It is not text.
    #[error("the line is not UTF-8 at byte {byte}")]
    NotUtf8 {
        /// The first byte that is not, from 1.
        byte: usize,
    },
    /// A quote of CSV is not closed on the line.
    #[error("a quote (\") is not closed: one line is one device")]
    Quote,
    /// Too few or too many cells of CSV.
    #[error("the line has {found} cell(s), the first line of the file names {expected} column(s)")]
    Cells {
        /// How many columns there are.
        expected: usize,
        /// How many cells it has.
        found: usize,
    },
    /// It is not the JSON of a device.
    #[error("not the JSON of a device: {0}")]
    Json(String),
    /// Something that every line needs is missing.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// The device was not taken: its data is wrong, or a rule is against it.
    #[error("{0}")]
    NotTaken(String),
}

/// What is wrong with a whole file. Nothing of it was done, or nothing after the last line that was reported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// It is not there, or cannot be read.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// Its name does not tell how it is written.
    #[error("cannot tell the format of `{}` from its name: say `--format csv` or `--format ndjson`", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// It is text of another encoding.
    #[error("it is written in UTF-16: save it as UTF-8")]
    Utf16,
    /// Its first line does not name columns.
    #[error("the first line is to name the columns: {0}")]
    Header(#[source] WrongLine),
    /// A column is missing.
    #[error(
        "the first line is to name the columns `deviceId` and `firmware`, and if you have them `serial` and `mac`: \
         `{name}` is missing, there is {found}"
    )]
    ColumnMissing {
        /// The column.
        name: &'static str,
        /// What there is.
        found: String,
    },
    /// Two columns have one name.
    #[error("the column `{name}` is there twice")]
    ColumnTwice {
        /// The name.
        name: &'static str,
    },
}
