//! `cargo xtask bench`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::nats;
use crate::report::{Report, cargo, succeeds};

mod instructions;

use instructions::Counter;

/// What the table is written to.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks/nats.md");

/// The step that needs callgrind.
const COUNT: &str = "instructions";

/// A row of the instructions: what both sides count, of a part of the benchmarks.
struct Counted {
    part: &'static str,
    what: &'static str,
    ours: &'static str,
    counterpart: &'static str,
    raw: &'static str,
    /// What two numbers of operations are asked for, and how many commands or events more the second one is.
    numbers: [u64; 2],
    more: u64,
}

/// As in `eventmodel-nats/benches/nats/count.rs`: so many tasks at the same time, so many events to be read.
const IN_FLIGHT: u64 = 512;
const EVENTS: u64 = 2 * IN_FLIGHT;

const COUNTED: [Counted; 3] = [
    Counted {
        part: "hot",
        what: "a command, hot instances, 512 in flight",
        ours: "commands",
        counterpart: "guarded publish",
        raw: "publishes",
        numbers: [2, 10],
        more: 8 * IN_FLIGHT,
    },
    Counted {
        part: "reading",
        what: "an event, view in memory",
        ours: "view",
        counterpart: "ordered consumer",
        raw: "consumer",
        numbers: [1, 5],
        more: 4 * EVENTS,
    },
    Counted {
        part: "reading",
        what: "an event, the log is read",
        ours: "read",
        counterpart: "ordered consumer",
        raw: "consumer",
        numbers: [1, 5],
        more: 4 * EVENTS,
    },
];

/// The store beside the client library by hand. Parts of it (`hot`, `cold`) are only printed.
pub(crate) fn nats(report: &mut Report, parts: &[&str]) {
    let Some(server) = nats::step(report) else {
        return;
    };
    let mut bench = cargo(&["bench", "--package", "eventmodel-nats", "--bench", "nats"]);
    bench.arg("--").args(parts).env(nats::BINARY, &server);
    if parts.is_empty() {
        bench.env("EVENTMODEL_BENCH_TABLE", TABLE);
    }
    if !report.step("benchmarks of the JetStream store", &mut bench) {
        return;
    }
    let rows: Vec<&Counted> = COUNTED
        .iter()
        .filter(|row| parts.is_empty() || parts.contains(&row.part))
        .collect();
    if rows.is_empty() {
        return;
    }
    let counter = Counter::new("eventmodel-nats", "nats").env(nats::BINARY, &server);
    counted(report, || {
        let table = beside(&counter, &rows)?;
        print!("{table}");
        if parts.is_empty() {
            append(Path::new(TABLE), &table)?;
        }
        Ok(())
    });
}

/// What the engine costs in memory, in instructions.
pub(crate) fn memory(report: &mut Report) {
    let counter = Counter::new("eventmodel", "engine");
    counted(report, || {
        println!("| | instructions |\n|---|---|");
        for (what, operation) in [
            ("a command, hot instance", "hot"),
            ("a command, fresh instance", "fresh"),
            ("the headers of an event, written", "headers-written"),
            ("the headers of an event, read", "headers-read"),
        ] {
            println!(
                "| {what} | {} |",
                counter.each(operation, [2_000, 12_000], 10_000)?
            );
        }
        Ok(())
    });
}

/// The step that counts; it is not done where there is nothing to count with.
fn counted(report: &mut Report, work: impl FnOnce() -> Result<(), String>) {
    println!("\n== {COUNT}");
    let start = Instant::now();
    if !succeeds(Command::new("valgrind").arg("--version")) {
        let reason =
            "`valgrind` is not installed: `apt-get install valgrind`, or https://valgrind.org";
        return report.not_done(COUNT, reason);
    }
    match work() {
        Ok(()) => report.pass(COUNT, start.elapsed()),
        Err(reason) => report.fail(COUNT, &reason),
    }
}

fn beside(counter: &Counter, rows: &[&Counted]) -> Result<String, String> {
    let mut table = String::from(INSTRUCTIONS);
    for row in rows {
        let ours = counter.each(row.ours, row.numbers, row.more)?;
        let raw = counter.each(row.raw, row.numbers, row.more)?;
        #[allow(clippy::cast_precision_loss)]
        let ratio = ours as f64 / raw as f64;
        let (what, counterpart) = (row.what, row.counterpart);
        let line = format!("| {what} | {ours} | {counterpart}: {raw} | {ratio:.2} |");
        writeln!(table, "{line}").map_err(|error| error.to_string())?;
    }
    Ok(table)
}

fn append(path: &Path, text: &str) -> Result<(), String> {
    let written = fs::read_to_string(path).and_then(|table| fs::write(path, table + text));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

const INSTRUCTIONS: &str = "
## Instructions

Of the whole process of a side, per command and per event, counted by callgrind: they hardly depend on how busy the
machine is.

| | eventmodel | async-nats by hand | ratio |
|---|---|---|---|
";
