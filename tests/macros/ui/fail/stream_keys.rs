//! Unknown, misspelled and duplicate keys, and values of the wrong kind, all at once.

use eventmodel::Stream;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(sujbect = "a.{room}", colour = "blue")]
#[stream(subject = "a.{room}", subject = "b.{room}", log)]
struct Unknown {
    room: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = a.room)]
struct NoLiteral {
    room: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "b.{room}", log = "my hotel", crate = "eventmodel")]
struct BadValues {
    room: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "c.{room}" log = "hotel")]
struct NoComma {
    #[stream(rename = "number")]
    room: u32,
}

fn main() {}
