//! What is wrong in a value that came through a fragment of `macro_rules!` is reported at the fragment.

use eventmodel::{Command, Decide, Decision, Event, Rejection, Stream, reject};
use serde::{Deserialize, Serialize};

macro_rules! stream {
    ($name:ident, $subject:literal, $log:literal) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[stream(subject = $subject, log = $log)]
        struct $name {
            room: u32,
        }
    };
    ($name:ident, $subject:expr) => {
        #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
        #[stream(subject = $subject)]
        struct $name {
            room: u32,
        }
    };
}

macro_rules! rest {
    ($event:ty, $same:path, $type:literal, $version:literal, $id:literal, $name:literal, $code:literal) => {
        #[derive(Event, Serialize, Deserialize)]
        #[event(streams(Row, $event, $same), type = $type, version = $version)]
        struct Happened {
            room: u32,
        }

        #[derive(Rejection, Serialize, Debug, thiserror::Error)]
        #[error("no")]
        #[rejection(code = $code)]
        struct No;

        #[derive(Command, Serialize, Deserialize)]
        #[command(rejects = No, id = $id, name = $name)]
        struct Happen {
            room: u32,
        }
    };
}

stream!(Row, "row.{room}", "hotel");
stream!(Typo, "typo.{rooom}", "the hotel");
stream!(Wild, "wild.{room}.*", "hotel");
stream!(Number, 7, "hotel");
stream!(Joined, concat!("joined", ".{room}"));
rest!(Row, Row, "", 0, "{rooom}", "Let It", "No Way");

impl Decide for Happen {
    fn decide(&self, (): &()) -> Decision<Self> {
        reject(No)
    }
}

fn main() {}
