//! What the JetStream store costs beside async-nats used by hand, on the same server in the same run:
//! `cargo xtask bench nats`, or `cargo bench -p eventmodel-nats --bench nats -- cold` for a part of it.
//!
//! `EVENTMODEL_BENCH_EVENTS` is the number of events of the largest log, 1,000,000 if it is not set; the others
//! shrink with it. `EVENTMODEL_BENCH_TABLE` is the file that the table is written to.

mod automation;
mod beside;
mod cold;
mod count;
mod hot;
mod measure;
mod model;
mod raw;
mod reading;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use eventmodel::AppOptions;
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::{Cluster, Server};

use cold::Filled;
use hot::Hot;
use model::options;
use table::Table;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    events: u64,
    pub(crate) rounds: usize,
}

impl Scale {
    const FULL: u64 = 1_000_000;

    fn from_env() -> Result<Self> {
        let events = match std::env::var("EVENTMODEL_BENCH_EVENTS") {
            Ok(events) => events.parse()?,
            Err(_) => Self::FULL,
        };
        Ok(Self { events, rounds: 7 })
    }

    /// A number of operations, fewer in a smaller run.
    pub(crate) fn of(self, count: usize) -> usize {
        if self.events < Self::FULL {
            (count / 5).max(10)
        } else {
            count
        }
    }

    /// A number of instances, fewer in a smaller run.
    fn instances(self, count: u64) -> u64 {
        (count * self.events / Self::FULL).max(300)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments = arguments.iter().map(String::as_str);
    let arguments: Vec<&str> = arguments.filter(|text| !text.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = runtime.map_err(Error::from);
    match result.and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<()> {
    match *arguments {
        [beside::ARGUMENT, url, log] => beside::serve(url, log).await,
        [count::ARGUMENT, operation, number] => count::run(operation, number.parse()?).await,
        ref groups => table(groups).await,
    }
}

async fn table(groups: &[&str]) -> Result<()> {
    let scale = Scale::from_env()?;
    let wanted = |group: &str| groups.is_empty() || groups.contains(&group);
    let mut table = Table::new(scale.events);
    if wanted("hot") {
        hot_on_one(&mut table, scale).await?;
    }
    if wanted("three") {
        hot_on_three(&mut table, scale).await?;
    }
    if wanted("automation") {
        let (half, most) = automation::latency(scale).await?;
        table.automation(half, most);
    }
    if wanted("long") {
        let (mut long, _) = Filled::new("long", 20, 1_000).await?;
        table.add(&long.long(scale).await?);
    }
    if wanted("cold") || wanted("reading") {
        cold(&mut table, scale, wanted("cold"), wanted("reading")).await?;
    }
    table.finish()
}

async fn hot_on_one(table: &mut Table, scale: Scale) -> Result<()> {
    let server = Server::start().await?;
    let store = NatsStore::connect(server.url()).await?;
    let mut hot = Hot::start(store, options(), &server.url()).await?;
    table.add(&hot.throughput("", Some(0.85), scale).await?);
    table.add(&hot.latency("", Some(1.15), scale).await?);
    table.add(&hot.given_id(scale).await?);
    table.add(&hot.two_instances("", scale).await?);

    let server = Server::start().await?;
    let store = NatsStore::connect(server.url()).await?;
    let mut hot = Hot::start(store, AppOptions::new(), &server.url()).await?;
    let name = ", audit trail on JetStream";
    table.add(&hot.throughput(name, None, scale).await?);
    Ok(())
}

async fn hot_on_three(table: &mut Table, scale: Scale) -> Result<()> {
    const NAME: &str = ", three replicas";
    let cluster = Cluster::start().await?;
    // Both on the same node: whether it leads makes a difference.
    let url = cluster.node(0).url();
    let patient = NatsStore::builder().timeout(Duration::from_secs(30));
    let store = patient.replicas(3).connect(&url).await?;
    let mut hot = Hot::start(store, options(), &url).await?;
    table.add(&hot.throughput(NAME, None, scale).await?);
    table.add(&hot.latency(NAME, None, scale).await?);
    table.add(&hot.two_instances(NAME, scale).await?);
    Ok(())
}

async fn cold(table: &mut Table, scale: Scale, cold: bool, reading: bool) -> Result<()> {
    let (small, _) = Filled::new("small", 1_000, 10).await?;
    let (mut bad, _) = Filled::new("bad", scale.instances(31_000), 10).await?;
    if reading {
        for row in reading::rows(&mut bad, scale).await? {
            table.add(&row);
        }
    }
    if !cold {
        return Ok(());
    }
    let instances = scale.instances(100_000);
    let (large, memory) = Filled::new("large", instances, 10).await?;
    table.memory(instances, &memory);
    let mut logs = [small, bad, large];
    let mut rows = Vec::new();
    let named = |what: &str, log: &Filled| {
        let what = format!("{what}, cold instance of 10 events, log of {}", log.events);
        cold::row(&what, Some(1.5))
    };
    rows.extend(
        logs.iter()
            .map(|log| named("execute, state with snapshot", log)),
    );
    rows.extend(
        logs.iter()
            .map(|log| named("execute, state without snapshot", log)),
    );
    let id =
        "execute with the caller's id, without snapshot, cold instance of 10 events, largest log";
    let mut with_id = cold::row(id, None);
    for _ in 0..scale.rounds {
        for (n, log) in logs.iter_mut().enumerate() {
            rows[n].rounds.push(log.short(30, hot::deposit_kept).await?);
            rows[n + 3].rounds.push(log.short(30, hot::deposit).await?);
        }
        let with = logs[2].short(30, hot::deposit_with_id).await?;
        with_id.rounds.push(with);
    }
    table.flat("with snapshot", &rows[0], &rows[2]);
    table.flat("without snapshot", &rows[3], &rows[5]);
    rows.push(with_id);
    for row in &rows {
        table.add(row);
    }
    Ok(())
}
