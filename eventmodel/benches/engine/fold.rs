//! Folding: what the macro's dispatch costs, and what decoding adds.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use eventmodel::Store;
use eventmodel::store::{Item, Load};
use eventmodel::{AppOptions, MemoryStore, Projection, RecordedEvent, Stream};

use crate::bank::{self, Account, Balance, Deposited};

const EVENTS: u64 = 1_000;

/// Through `#[projection]`: which handler is it, and the handler.
#[divan::bench]
fn decoded_before(bencher: Bencher<'_, '_>) {
    let events = recorded();
    fold(&events);
    bencher
        .counter(ItemsCount::new(EVENTS))
        .bench_local(|| fold(black_box(&events)));
}

/// The same, with the decoding of its JSON: what the first reader of an event pays.
#[divan::bench]
fn with_decoding(bencher: Bencher<'_, '_>) {
    let events = recorded();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| events.iter().map(undecoded).collect::<Vec<_>>())
        .bench_local_values(|events| {
            fold(&events);
            events
        });
}

/// Without the macro: the handler is called with the decoded event.
#[divan::bench]
fn by_hand(bencher: Bencher<'_, '_>) {
    let events = recorded();
    fold(&events);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut balance = Balance::default();
        for event in black_box(&events) {
            balance.deposited(event.decode::<Deposited>().expect("a deposit"));
        }
        balance
    });
}

fn fold(events: &[RecordedEvent]) -> Balance {
    let mut balance = Balance::default();
    for event in events {
        assert!(balance.apply(event).expect("it decodes"));
    }
    balance
}

/// A store that keeps events outside of this process gives them undecoded.
fn undecoded(event: &RecordedEvent) -> RecordedEvent {
    let new = eventmodel::record::NewEvent::new(event.metadata().clone(), event.payload().clone());
    RecordedEvent::new(new, event.position())
}

fn recorded() -> Vec<RecordedEvent> {
    let runtime = bank::runtime();
    runtime.block_on(async {
        let store = MemoryStore::new();
        let app = bank::start(bank::commands(), store.clone(), AppOptions::new()).await;
        for _ in 0..EVENTS {
            bank::deposit(&app, 1).await;
        }
        let load = Load::new(
            app.model().name().clone(),
            Account { account: 1 }.subject().expect("a short key"),
        );
        let loaded = store.load(load).await.expect("it is there");
        let events = loaded.items.into_iter().map(Item::event);
        events.collect::<Result<_, _>>().expect("they can be read")
    })
}
