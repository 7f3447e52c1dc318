//! `cargo xtask bench nats`.

use crate::nats;
use crate::report::{Report, cargo};

/// What the table is written to.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks/nats.md");

/// The store beside the client library by hand. Parts of it (`hot`, `cold`) are only printed.
pub(crate) fn nats(report: &mut Report, parts: &[&str]) {
    let Some(server) = nats::step(report) else {
        return;
    };
    let mut bench = cargo(&["bench", "--package", "eventmodel-nats", "--bench", "nats"]);
    bench.arg("--").args(parts).env(nats::BINARY, server);
    if parts.is_empty() {
        bench.env("EVENTMODEL_BENCH_TABLE", TABLE);
    }
    report.step("benchmarks of the JetStream store", &mut bench);
}
