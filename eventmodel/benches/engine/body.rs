//! The body of a request, from its text to the command in it.

use divan::{Bencher, black_box};
use eventmodel::transport::{CommandBody, JsonText};
use serde::Deserialize;

const BODY: &str = r#"{"data": {"room": {"id": 11}, "client": {"id": 4711, "name": "Ada Lovelace", "email": "ada@example.com"}, "date": "2022-12-12", "nights": 3, "price": 129.90, "notes": ["late", "quiet"]}, "correlationId": "7d0a"}"#;

#[derive(Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Book {
    room: Room,
    client: Client,
    date: String,
    nights: u8,
    price: f64,
    notes: Vec<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Room {
    id: u32,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Client {
    id: u64,
    name: String,
    email: String,
}

/// That it is JSON, and names each member once.
#[divan::bench]
fn checked(bencher: Bencher<'_, '_>) {
    bencher.bench(|| JsonText::read(black_box(BODY).as_bytes()));
}

/// What the check is to be compared with: reading it without one.
#[divan::bench]
fn as_a_value(bencher: Bencher<'_, '_>) {
    bencher.bench(|| serde_json::from_str::<serde_json::Value>(black_box(BODY)));
}

#[divan::bench]
fn as_a_command(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let body = JsonText::read(black_box(BODY).as_bytes()).ok()?;
        CommandBody::read(&body)
            .ok()?
            .data
            .deserialize::<Book>()
            .ok()
    });
}

/// As it was before members were checked: from a `Value`.
#[divan::bench]
fn as_a_command_from_a_value(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let body: serde_json::Value = serde_json::from_str(black_box(BODY)).ok()?;
        Book::deserialize(&body["data"]).ok()
    });
}
