//! What an event costs before it is appended: it is written, read back, and compared. Who folds it then need not read it:
//! what the check costs is `emitted` without `written` and without `read`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use eventmodel::{Codec, Decide, Event, Json};

use crate::bank::{Balance, Deposit, Deposited};

fn event() -> Deposited {
    Deposited {
        account: 42,
        cents: 7,
    }
}

#[divan::bench]
fn emitted(bencher: Bencher<'_, '_>) {
    let (deposit, balance) = (
        Deposit {
            account: 42,
            cents: 7,
        },
        Balance::default(),
    );
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| black_box(&deposit).decide(black_box(&balance)));
}

#[divan::bench]
fn written(bencher: Bencher<'_, '_>) {
    let event = event();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        (
            Json::encode(black_box(&event)),
            black_box(&event).subjects(),
        )
    });
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let payload = Json::encode(&event()).expect("it can be written");
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| Json::decode::<Deposited>(black_box(&payload)));
}
