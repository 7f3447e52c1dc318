//! A number of operations and nothing else, for a program that counts instructions: what two numbers of them take tells
//! what one takes. `cargo xtask bench memory`.

use eventmodel::{App, AppOptions, MemoryStore, Metadata, Position, envelope};

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
            other => panic!("`{other}` is not counted: hot, fresh, headers-written, headers-read"),
        }
        // To take all of it down again is not part of an operation.
        std::mem::forget(app);
    });
}

/// The envelope of an event, as a store on a wire with headers writes and reads it.
async fn headers(app: &App, operation: &str, number: u64) {
    let command = bank::Deposit {
        account: 1,
        cents: 1,
    };
    let receipt = app.execute(command).await.expect("accepted");
    let metadata: &Metadata = receipt.events[0].metadata();
    let headers = envelope::to_headers(metadata);
    for _ in 0..number {
        if operation == "headers-written" {
            std::hint::black_box(envelope::to_headers(std::hint::black_box(metadata)));
        } else {
            let pairs = headers.iter().map(|(name, value)| (*name, &**value));
            let read = envelope::from_pairs(Position::new(7), pairs);
            std::hint::black_box(read.expect("it was written so"));
        }
    }
}
