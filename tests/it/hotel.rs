//! The hotel over HTTP, as its users reach it: a real socket, the bytes that they send, the answers that they see.

use serde_json::{Value, json};

mod at_once;
mod nonsense;
pub(crate) mod program;
pub(crate) mod server;
mod stampede;
pub(crate) mod stories;

use server::Hotel;
use stories::hotel_stories;

use crate::client;

hotel_stories!(async || (Hotel::open().await, ()));

/// The bodies of the requests of the seed, word for word.
pub(crate) const BOOK: &str = r#"{
    "data": {
      "room": { "id" : 1},
      "client": { "id": 1},
      "date": "2022-12-12"
    }
  }"#;
pub(crate) const CLEAN: &str = r#"{
    "data": {
      "room": { "id" : 1},
      "date": "2022-12-12"
    }
  }"#;
pub(crate) const CHECK_IN: &str = r#"{
    "data": {
      "room": { "id" : 1 },
      "client": { "id": 1},
      "date": "2022-12-13"
    }
  }"#;

/// A request of the seed for another room, client or date.
pub(crate) fn data(room: u32, client: Option<u32>, date: &str) -> String {
    let mut data = json!({ "room": { "id": room }, "date": date });
    if let Some(client) = client {
        data["client"] = json!({ "id": client });
    }
    json!({ "data": data }).to_string()
}

fn items(body: &Value) -> impl Iterator<Item = &Value> {
    body["items"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
