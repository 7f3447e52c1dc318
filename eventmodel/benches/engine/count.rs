//! A number of operations and nothing else, for a program that counts instructions: what two numbers of them take tells
//! what one takes. `cargo xtask bench memory`.

use eventmodel::record::cloudevents;
use eventmodel::{App, AppOptions, MemoryStore, Metadata, Position};
use futures_util::StreamExt;

use crate::bank::{self, deposit};

/// Instances of which the app keeps the state.
const HOT: u64 = 64;

/// What `count <operation> <number>` asks for; `None` if these arguments ask for something else.
pub(crate) fn asked() -> Option<(String, u64)> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != "count" {
        return None;
    }
    Some((arguments.next()?, arguments.next()?.parse().ok()?))
}

pub(crate) fn run(operation: &str, number: u64) {
    bank::runtime().block_on(async {
        let app = bank::start(bank::commands(), MemoryStore::new(), AppOptions::new()).await;
        for account in 0..HOT {
            deposit(&app, account).await;
        }
        match operation {
            "hot" => {
                for n in 0..number {
                    deposit(&app, n % HOT).await;
                }
            }
            "fresh" => {
                for n in 0..number {
                    deposit(&app, HOT + n).await;
                }
            }
            "headers-written" | "headers-read" => headers(&app, operation, number).await,
            "watchers" => watchers(number).await,
            other => panic!(
                "`{other}` is not counted: hot, fresh, headers-written, headers-read, watchers"
            ),
        }
        // To take all of it down again is not part of an operation.
        std::mem::forget(app);
    });
}

/// What so many watchers of a view of 100,000 instances add to the memory of the process.
async fn watchers(number: u64) {
    let app = bank::start(bank::with_view(), MemoryStore::new(), AppOptions::new()).await;
    for account in 0..100_000 {
        deposit(&app, account).await;
    }
    app.settled().await.expect("the view is complete");
    let before = resident();
    let mut watchers = Vec::new();
    for _ in 0..number {
        let mut watcher = app.view::<bank::Balance>().watch_all();
        watcher.next().await.expect("a view").expect("an instance");
        watchers.push(watcher);
    }
    println!("{} KiB", resident().saturating_sub(before));
}

/// In KiB, where the system says it so.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// The envelope of an event, as a store on a wire with headers writes and reads it.
async fn headers(app: &App, operation: &str, number: u64) {
    let command = bank::Deposit {
        account: 1,
        cents: 1,
    };
    let receipt = app.execute(command).await.expect("accepted");
    let metadata: &Metadata = receipt.events[0].metadata();
    let headers = cloudevents::to_headers(metadata);
    for _ in 0..number {
        if operation == "headers-written" {
            std::hint::black_box(cloudevents::to_headers(std::hint::black_box(metadata)));
        } else {
            let pairs = headers.iter().map(|(name, value)| (*name, &**value));
            let read = cloudevents::from_pairs(Position::new(7), pairs);
            std::hint::black_box(read.expect("it was written so"));
        }
    }
}
