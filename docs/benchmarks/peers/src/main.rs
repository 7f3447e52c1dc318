//! The same small command, a deposit to an account, on three stores in memory. The results go to stderr: the store of
//! cqrs-es prints a line to stdout for every load and every commit, and should print into /dev/null.

#[allow(dead_code)]
#[path = "../../../../eventmodel/benches/engine/bank.rs"]
mod bank;
mod cqrs;
mod eventcore_store;

use std::time::Instant;

use tokio::runtime::Runtime;

/// How many accounts are opened, one command each.
const FRESH: u64 = 16_000;
/// How many commands go to accounts that have 1,000 events already.
const DEEP: u64 = 240;
/// How many such accounts there are.
const ACCOUNTS: u64 = 24;
const RUNS: usize = 20;

/// A bank on one of the stores.
pub trait Bank: Clone + Send + Sync + 'static {
    fn open() -> impl Future<Output = Self> + Send;
    fn deposit(&self, account: u64) -> impl Future<Output = ()> + Send;
}

#[derive(Clone)]
struct Eventmodel(eventmodel::App);

impl Bank for Eventmodel {
    async fn open() -> Self {
        let (store, options) = (
            eventmodel::MemoryStore::new(),
            eventmodel::AppOptions::new(),
        );
        Self(bank::start(bank::commands(), store, options).await)
    }

    async fn deposit(&self, account: u64) {
        bank::deposit(&self.0, account).await;
    }
}

fn main() {
    let runtime = bank::runtime();
    measure::<Eventmodel>(&runtime, "eventmodel");
    measure::<eventcore_store::Eventcore>(&runtime, "eventcore-memory 2.1");
    measure::<cqrs::Cqrs>(&runtime, "cqrs-es 0.5");
}

fn measure<B: Bank>(runtime: &Runtime, name: &str) {
    let fresh = median(|| {
        let bank = runtime.block_on(B::open());
        run(runtime, bank, FRESH, |n| n)
    });
    let deep = median(|| {
        let bank = runtime.block_on(B::open());
        run(runtime, bank.clone(), ACCOUNTS * 1_000, |n| n % ACCOUNTS);
        run(runtime, bank, DEEP, |n| n % ACCOUNTS)
    });
    eprintln!("{name:22} fresh: {fresh:>8.0}/s   1,000 events: {deep:>8.0}/s");
}

/// Commands per second of the median run.
fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut runs: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    runs[RUNS / 2]
}

/// One task executes the commands; how many per second.
fn run<B: Bank>(runtime: &Runtime, bank: B, commands: u64, account: fn(u64) -> u64) -> f64 {
    let task = runtime.spawn(async move {
        let start = Instant::now();
        for n in 0..commands {
            bank.deposit(account(n)).await;
        }
        (start.elapsed(), bank)
    });
    let (elapsed, _bank) = runtime.block_on(task).expect("no panic");
    commands as f64 / elapsed.as_secs_f64()
}
