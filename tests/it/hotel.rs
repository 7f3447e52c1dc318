//! The hotel over HTTP, as its users reach it: a real socket, the bytes that they send, the answers that they see.

use serde_json::Value;
use support::client;

mod at_once;
pub(crate) mod load;
mod nonsense;
pub(crate) mod program;
pub(crate) mod server;
mod stampede;
pub(crate) mod stories;

use server::Hotel;
use stories::hotel_stories;

hotel_stories!(async || (Hotel::open().await, ()));

fn items(body: &Value) -> impl Iterator<Item = &Value> {
    body["items"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
