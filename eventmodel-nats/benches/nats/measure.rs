//! Measuring two things in turn, so that what disturbs one disturbs the other.

use std::future::Future;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::Result;
use crate::beside::{Ask, Beside};

/// What is said of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Seconds,
}

/// A thing and its counterpart, some rounds of them.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) counterpart: &'static str,
    pub(crate) unit: Unit,
    pub(crate) rounds: Vec<(f64, f64)>,
    /// The ratio to reach: at least of a throughput, at most of a latency.
    pub(crate) target: Option<f64>,
}

impl Row {
    pub(crate) fn new(
        what: impl Into<String>,
        counterpart: &'static str,
        unit: Unit,
        target: Option<f64>,
    ) -> Self {
        Self {
            what: what.into(),
            counterpart,
            unit,
            rounds: Vec::new(),
            target,
        }
    }

    /// The median of the ratios of the rounds, the lowest and the highest.
    pub(crate) fn ratio(&self) -> (f64, f64, f64) {
        let mut ratios: Vec<f64> = self.rounds.iter().map(|(ours, raw)| ours / raw).collect();
        let middle = median(&mut ratios);
        (middle, ratios[0], ratios[ratios.len() - 1])
    }

    pub(crate) fn ours(&self) -> f64 {
        median(&mut self.rounds.iter().map(|round| round.0).collect::<Vec<_>>())
    }

    pub(crate) fn raw(&self) -> f64 {
        median(&mut self.rounds.iter().map(|round| round.1).collect::<Vec<_>>())
    }

    pub(crate) fn is_met(&self) -> Option<bool> {
        let (ratio, ..) = self.ratio();
        self.target.map(|target| match self.unit {
            Unit::PerSecond => ratio >= target,
            Unit::Seconds => ratio <= target,
        })
    }
}

/// Sorts, too.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// Sorts, too.
pub(crate) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let at = (q * (values.len() - 1) as f64).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// How long it takes, in seconds, until so many tasks that run at the same time are done.
pub(crate) async fn together<F, Fut>(tasks: usize, task: F) -> Result<f64>
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for n in 0..tasks {
        set.spawn(task(n));
    }
    while let Some(done) = set.join_next().await {
        done??;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// How many are done of one side before it is the turn of the other.
const TURN: usize = 10;

/// The medians, in seconds, of two things that are done in turn, a few at a time; `ours` is told the how many-th it is,
/// the counterpart is asked for those of a range.
pub(crate) async fn in_turn<Ours>(
    count: usize,
    ours: impl Fn(usize) -> Ours + Send + Sync + Clone + 'static,
    beside: &mut Beside,
    ask: impl Fn(Range<usize>) -> Ask,
) -> Result<(f64, f64)>
where
    Ours: Future<Output = Result<()>> + Send,
{
    let (mut first, mut second) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (turn, start) in (0..count).step_by(TURN).enumerate() {
        let these = start..count.min(start + TURN);
        let ours = times(these.clone(), ours.clone());
        // Whatever the one leaves behind must not always meet the other.
        if turn % 2 == 0 {
            first.extend(ours.await?);
            second.extend(beside.ask(&ask(these)).await?);
        } else {
            second.extend(beside.ask(&ask(these)).await?);
            first.extend(ours.await?);
        }
    }
    Ok((median(&mut first), median(&mut second)))
}

async fn times<Fut>(
    these: Range<usize>,
    thing: impl Fn(usize) -> Fut + Send + Sync + 'static,
) -> Result<Vec<f64>>
where
    Fut: Future<Output = Result<()>> + Send,
{
    let all = async move {
        let mut times = Vec::with_capacity(these.len());
        for n in these {
            times.push(timed(thing(n)).await?);
        }
        Ok(times)
    };
    // On a worker, as in a program: the main thread would be woken for each answer.
    tokio::spawn(all).await?
}

pub(crate) async fn timed(thing: impl Future<Output = Result<()>>) -> Result<f64> {
    let start = Instant::now();
    thing.await?;
    Ok(start.elapsed().as_secs_f64())
}

/// The resident memory of this process, in bytes.
pub(crate) fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.ok_or("no VmRSS")?.trim().parse()?;
    Ok(kilobytes * 1024)
}

/// A time for people.
pub(crate) fn shown(seconds: f64) -> String {
    let time = Duration::from_secs_f64(seconds);
    if time < Duration::from_millis(10) {
        format!("{:.0} µs", seconds * 1e6)
    } else {
        format!("{:.1} ms", seconds * 1e3)
    }
}
