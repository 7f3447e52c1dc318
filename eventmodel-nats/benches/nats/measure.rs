//! Measuring two things in turn, so that what disturbs one disturbs the other.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::Result;

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

/// How many a second: so many tasks at the same time, each of which does the same number, one after the other.
pub(crate) async fn rate<F, Fut>(tasks: usize, each: usize, task: F) -> Result<f64>
where
    F: Fn(usize, usize) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for n in 0..tasks {
        set.spawn(task(n, each));
    }
    while let Some(done) = set.join_next().await {
        done??;
    }
    #[allow(clippy::cast_precision_loss)]
    Ok((tasks * each) as f64 / start.elapsed().as_secs_f64())
}

/// The medians, in seconds, of two things that are done in turn; each is told the how many-th it is.
pub(crate) async fn in_turn<Ours, Raw>(
    count: usize,
    ours: impl Fn(usize) -> Ours + Send + 'static,
    raw: impl Fn(usize) -> Raw + Send + 'static,
) -> Result<(f64, f64)>
where
    Ours: Future<Output = Result<()>> + Send,
    Raw: Future<Output = Result<()>> + Send,
{
    let both = async move {
        let (mut first, mut second) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for n in 0..count {
            // Whatever the one leaves behind must not always meet the other.
            if n % 2 == 0 {
                first.push(timed(ours(n)).await?);
                second.push(timed(raw(n)).await?);
            } else {
                second.push(timed(raw(n)).await?);
                first.push(timed(ours(n)).await?);
            }
        }
        Ok((median(&mut first), median(&mut second)))
    };
    // On a worker, as in a program: the main thread would be woken for each answer.
    tokio::spawn(both).await?
}

async fn timed(thing: impl Future<Output = Result<()>>) -> Result<f64> {
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
