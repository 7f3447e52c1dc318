//! Keys to subjects and back.

use divan::{Bencher, black_box};
use eventmodel::Stream;
use jiff::civil::{Date, date};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}.{date}")]
struct Booking {
    room: u32,
    date: Date,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "guest.{name}")]
struct Guest {
    name: String,
}

fn booking() -> Booking {
    Booking {
        room: 101,
        date: date(2022, 12, 12),
    }
}

#[divan::bench]
fn encode_number_and_date(bencher: Bencher<'_, '_>) {
    let key = booking();
    bencher.bench_local(|| black_box(&key).subject());
}

#[divan::bench]
fn decode_number_and_date(bencher: Bencher<'_, '_>) {
    let subject = booking().subject().expect("a short key");
    bencher.bench_local(|| Booking::from_subject(black_box(&subject)));
}

/// Characters that NATS gives a meaning, and some outside of ASCII.
#[divan::bench]
fn encode_text_with_escapes(bencher: Bencher<'_, '_>) {
    let name = "J. Müller, 2nd *".to_owned();
    let key = Guest { name };
    bencher.bench_local(|| black_box(&key).subject());
}
