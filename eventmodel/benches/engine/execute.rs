//! A command from its call to its receipt: load, decide, encode, append, audit.

use std::future::Future;

use divan::Bencher;
use divan::counter::ItemsCount;
use eventmodel::{App, AppOptions, MemoryStore};
use tokio::runtime::Runtime;

use crate::bank::{self, Withdraw, deposit};

/// Every command is the first one of its instance.
#[divan::bench(consts = [1, 8], sample_count = 50, sample_size = 1)]
fn fresh_instance<const TASKS: u64>(bencher: Bencher<'_, '_>) {
    const COMMANDS: u64 = 16_000;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(COMMANDS))
        .with_inputs(|| {
            runtime.block_on(bank::start(
                bank::commands(),
                MemoryStore::new(),
                AppOptions::new(),
            ))
        })
        .bench_local_values(|app| {
            run(&runtime, app, TASKS, |app, task| async move {
                for n in 0..COMMANDS / TASKS {
                    deposit(&app, task + n * TASKS).await;
                }
            })
        });
}

/// The same, when there are more instances already than the app keeps states of: one goes for each that comes.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn fresh_instance_among_many(bencher: Bencher<'_, '_>) {
    const BEFORE: u64 = 150_000;
    const COMMANDS: u64 = 16_000;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(COMMANDS))
        .with_inputs(|| {
            let app = runtime.block_on(bank::start(
                bank::commands(),
                MemoryStore::new(),
                AppOptions::new(),
            ));
            run(&runtime, app, 1, |app, _| async move {
                for account in 0..BEFORE {
                    deposit(&app, account).await;
                }
            })
        })
        .bench_local_values(|app| {
            run(&runtime, app, 1, |app, _| async move {
                for account in BEFORE..BEFORE + COMMANDS {
                    deposit(&app, account).await;
                }
            })
        });
}

/// The instance has events, and the app has its state in the cache.
#[divan::bench(args = [10, 1_000], consts = [1, 8], sample_count = 50, sample_size = 1)]
fn cached<const TASKS: u64>(bencher: Bencher<'_, '_>, events: u64) {
    const COMMANDS: u64 = 1_600;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(COMMANDS))
        .with_inputs(|| runtime.block_on(filled(MemoryStore::new(), events)))
        .bench_local_values(|app| on_filled(&runtime, app, TASKS, COMMANDS));
}

/// The app caches nothing: every command loads and folds its instance from the first event.
#[divan::bench(args = [10, 1_000], consts = [1, 8], sample_count = 50, sample_size = 1)]
fn cold<const TASKS: u64>(bencher: Bencher<'_, '_>, events: u64) {
    const COMMANDS: u64 = 160;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(COMMANDS))
        .with_inputs(|| {
            runtime.block_on(async {
                let store = MemoryStore::new();
                filled(store.clone(), events).await;
                bank::start(bank::commands(), store, AppOptions::new().state_cache(0)).await
            })
        })
        .bench_local_values(|app| on_filled(&runtime, app, TASKS, COMMANDS));
}

/// The domain says no: nothing is appended.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn rejected(bencher: Bencher<'_, '_>) {
    const COMMANDS: u64 = 16_000;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(COMMANDS))
        .with_inputs(|| {
            runtime.block_on(bank::start(
                bank::commands(),
                MemoryStore::new(),
                AppOptions::new(),
            ))
        })
        .bench_local_values(|app| {
            run(&runtime, app, 1, |app, _| async move {
                for account in 0..COMMANDS {
                    let command = Withdraw { account, cents: 1 };
                    assert!(app.execute(command).await.is_err());
                }
            })
        });
}

/// How many instances are filled. A multiple of eight tasks; and no collection of the store has to grow while 1,600
/// events are added to 24,000, which would be measured too.
const INSTANCES: u64 = 24;

async fn filled(store: MemoryStore, events: u64) -> App {
    let app = bank::start(bank::commands(), store, AppOptions::new()).await;
    for _ in 0..events {
        for account in 0..INSTANCES {
            deposit(&app, account).await;
        }
    }
    app
}

/// Tasks never share an instance, so that no command is decided twice.
fn on_filled(runtime: &Runtime, app: App, tasks: u64, commands: u64) -> App {
    run(runtime, app, tasks, |app, task| async move {
        for n in 0..commands / tasks {
            deposit(&app, (task + n * tasks) % INSTANCES).await;
        }
    })
}

/// Runs the tasks to their end. The app is given back, to be dropped outside of the measurement.
fn run<F>(runtime: &Runtime, app: App, tasks: u64, work: impl Fn(App, u64) -> F) -> App
where
    F: Future<Output = ()> + Send + 'static,
{
    let running: Vec<_> = (0..tasks)
        .map(|task| runtime.spawn(work(app.clone(), task)))
        .collect();
    for task in running {
        runtime.block_on(task).expect("no panic");
    }
    app
}
