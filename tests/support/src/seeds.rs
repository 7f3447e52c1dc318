//! A story under many seeds, and what was injected in all of them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use eventmodel_testing::{FaultyStore, Injected};

use crate::variable;

/// Runs `story` under one seed, on a clock that is paused: nothing waits for real.
pub fn once<F>(seed: u64, story: impl Fn(u64) -> F) -> FaultyStore
where
    F: Future<Output = FaultyStore>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(story(seed))
}

/// Runs `story` under many seeds, as many as the variable `SEEDS` says, or under the one that `SEED` names, and says which
/// one failed.
///
/// Gives what was injected in all of them.
pub fn under_seeds<F>(seeds: u64, story: impl Fn(u64) -> F + Sync) -> Injected
where
    F: Future<Output = FaultyStore>,
{
    let (only, number) = (variable("SEED"), variable("SEEDS"));
    let seeds = only.map_or(0..number.unwrap_or(seeds), |seed| seed..seed + 1);
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Injected::default());
    let run = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if !seeds.contains(&seed) {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| once(seed, &story))) {
            Ok(store) => add(&mut total.lock().unwrap(), store.injected()),
            Err(panic) => {
                eprintln!("it was seed {seed}: run it alone with SEED={seed}");
                next.store(seeds.end, Ordering::Relaxed);
                resume_unwind(panic);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        for thread in all {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    total.into_inner().unwrap()
}

fn add(total: &mut Injected, more: Injected) {
    total.lost_requests += more.lost_requests;
    total.lost_acks += more.lost_acks;
    total.late_appends += more.late_appends;
    total.late_stored += more.late_stored;
    total.conflicts += more.conflicts;
    total.unavailable += more.unavailable;
    total.stale_reads += more.stale_reads;
    total.broken_reads += more.broken_reads;
    total.duplicates += more.duplicates;
    total.delays += more.delays;
}

/// Every kind of fault was injected.
pub fn assert_all_happened(injected: Injected) {
    let Injected {
        lost_requests,
        lost_acks,
        late_appends,
        late_stored,
        conflicts,
        unavailable,
        stale_reads,
        broken_reads,
        duplicates,
        ..
    } = injected;
    let all = [
        lost_requests,
        lost_acks,
        late_appends,
        late_stored,
        conflicts,
        unavailable,
        stale_reads,
        broken_reads,
        duplicates,
    ];
    assert!(all.iter().all(|happened| *happened > 0), "{injected:?}");
}
