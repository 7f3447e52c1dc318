//! The table: printed as it grows, and written when it is whole.

use std::fmt::Write;

use crate::Result;
use crate::cold::Memory;
use crate::measure::{Row, Unit, median, shown};

pub(crate) struct Table {
    events: u64,
    rows: Vec<String>,
    figures: Vec<String>,
}

const HEAD: &str = "\
| | eventmodel | async-nats by hand | ratio | spread | target |
|---|---|---|---|---|---|
";

impl Table {
    pub(crate) fn new(events: u64) -> Self {
        print!("{HEAD}");
        Self {
            events,
            rows: Vec::new(),
            figures: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, row: &Row) {
        let value = |value: f64| match row.unit {
            Unit::PerSecond => format!("{value:.0}/s"),
            Unit::Seconds => shown(value),
        };
        let (ratio, low, high) = row.ratio();
        let mut target = String::from("-");
        if let (Some(goal), Some(is_met)) = (row.target, row.is_met()) {
            let sign = if row.unit == Unit::PerSecond {
                "≥"
            } else {
                "≤"
            };
            let met = if is_met { "" } else { ", **missed**" };
            target = format!("{sign} {goal}{met}");
        }
        let line = format!(
            "| {} | {} | {}: {} | {ratio:.2} | {low:.2} to {high:.2} | {target} |",
            row.what,
            value(row.ours()),
            row.counterpart,
            value(row.raw()),
        );
        println!("{line}");
        self.rows.push(line);
    }

    /// How much longer a cold command takes in the larger log.
    pub(crate) fn flat(&mut self, state: &str, small: &Row, large: &Row) {
        let rounds = small.rounds.iter().zip(&large.rounds);
        let mut ratios: Vec<f64> = rounds.map(|(small, large)| large.0 / small.0).collect();
        let ratio = median(&mut ratios);
        let met = if ratio <= 1.3 { "" } else { ", **missed**" };
        self.figure(format!(
            "A cold command, state {state}, takes {ratio:.2} times as long in the largest log as in that of 10,000 events (target ≤ 1.3{met})."
        ));
    }

    pub(crate) fn memory(&mut self, instances: u64, memory: &Memory) {
        let per = |bytes: u64| bytes * 100_000 / instances / 1_000_000;
        self.figure(format!(
            "Memory of the process for 100,000 instances whose state is kept: {} MB with one event each, {} MB with ten.",
            per(memory.after_the_first),
            per(memory.after_all)
        ));
    }

    pub(crate) fn automation(&mut self, half: f64, most: f64) {
        self.figure(format!(
            "From an event to the event of the command that an automation issues because of it, both committed: {} (median), {} (99 of 100).",
            shown(half),
            shown(most)
        ));
    }

    fn figure(&mut self, text: String) {
        println!("{text}");
        self.figures.push(text);
    }

    pub(crate) fn finish(self) -> Result<()> {
        let Some(path) = std::env::var_os("EVENTMODEL_BENCH_TABLE") else {
            return Ok(());
        };
        let mut text = format!("{INTRODUCTION}{HEAD}");
        for row in &self.rows {
            writeln!(text, "{row}")?;
        }
        text.push('\n');
        for figure in &self.figures {
            writeln!(text, "- {figure}")?;
        }
        if self.events < 1_000_000 {
            writeln!(
                text,
                "\nA smaller run: the largest log has {} events.",
                self.events
            )?;
        }
        std::fs::write(path, text)?;
        Ok(())
    }
}

const INTRODUCTION: &str = "\
# The JetStream store, beside async-nats by hand

Written by `cargo xtask bench nats`. Each side runs in a process of its own, both on the same nats-server, in turn:
medians of the rounds, the ratio is the median of the ratios of the rounds, the spread is the lowest and the highest of
them. Servers and clients share the machine.

*By hand* is what a careful user writes with the client library: `Client::send_request` with the same headers and the
same payload, the headers built for each message, the answer read. No state, no decision, no retry. *Hot*: the state of
the instance is kept in the process. *Cold*: the process knows nothing of it.

A cold state that says `snapshot` comes with the last message of its instance, in one round trip. Without a snapshot the
other nine events are read in a second one, by their sequences: nine messages that cost as much as several round trips,
and what is beside them is two round trips in all. That is why these rows miss the target.

";
