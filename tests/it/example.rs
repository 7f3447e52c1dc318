//! The programs of the examples, as `cargo run --example ..` starts them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The program of this example, built with all features of the workspace: a test run of all of it has built it before.
pub(crate) fn program(name: &str) -> Command {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let paths = built.get_or_insert_default();
    if !paths.contains_key(name) {
        paths.insert(name.to_owned(), build(name));
    }
    let mut command = Command::new(&paths[name]);
    command
        .env_remove("PORT")
        .env_remove("HOST")
        .env_remove("NATS_URL")
        .env_remove("RUST_LOG");
    command
}

fn build(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo says of the package of a test would let ring, and all that is built on it, be built again.
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_str().unwrap_or_default();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(variable);
        }
    }
    let built = cargo
        .args(["build", "--workspace", "--all-features", "--example", name])
        .arg("--message-format=json")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "the example does not build");
    let messages = String::from_utf8(built.stdout).unwrap();
    let executable = |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == name && message["target"]["kind"][0] == "example";
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    };
    messages.lines().find_map(executable).unwrap()
}
