//! How fast a view takes in what is recorded.

use divan::Bencher;
use divan::counter::ItemsCount;
use eventmodel::{AppOptions, MemoryStore};

use crate::bank::{self, Account, Balance};

/// From the start of the app until the view has seen all of the log.
#[divan::bench(args = [1, 10_000], sample_count = 30, sample_size = 1)]
fn apply(bencher: Bencher<'_, '_>, instances: u64) {
    const EVENTS: u64 = 50_000;

    let runtime = bank::runtime();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| {
            // A new log each time: the events of a used one are decoded already.
            runtime.block_on(async {
                let store = MemoryStore::new();
                let app = bank::start(bank::commands(), store.clone(), AppOptions::new()).await;
                for n in 0..EVENTS {
                    bank::deposit(&app, n % instances).await;
                }
                store
            })
        })
        .bench_local_values(|store| {
            runtime.block_on(async {
                let app = bank::start(bank::with_view(), store, AppOptions::new()).await;
                // Answered when the view has seen all that was recorded before the start.
                let balance = app.view::<Balance>().get(&Account { account: 0 }).await;
                assert_eq!(
                    balance.expect("an answer").expect("an account").cents,
                    EVENTS / instances
                );
                app
            })
        });
}
