//! The hotel's requests.

use serde_json::json;

/// The bodies of the requests of the seed, word for word.
pub const BOOK: &str = r#"{
    "data": {
      "room": { "id" : 1},
      "client": { "id": 1},
      "date": "2022-12-12"
    }
  }"#;
pub const CLEAN: &str = r#"{
    "data": {
      "room": { "id" : 1},
      "date": "2022-12-12"
    }
  }"#;
pub const CHECK_IN: &str = r#"{
    "data": {
      "room": { "id" : 1 },
      "client": { "id": 1},
      "date": "2022-12-13"
    }
  }"#;

/// A request of the seed for another room, client or date.
pub fn data(room: u32, client: Option<u32>, date: &str) -> String {
    let mut data = json!({ "room": { "id": room }, "date": date });
    if let Some(client) = client {
        data["client"] = json!({ "id": client });
    }
    json!({ "data": data }).to_string()
}
