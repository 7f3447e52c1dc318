//! Both are reported, in a raw string too.

use eventmodel::Stream;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = r#"booking..{rooom}.*"#)]
struct Booking {
    room: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "cleaning.{room}.{rooom}.{date.day}")]
struct Cleaning {
    room: u32,
    date: u32,
}

fn main() {}
