//! Each way to reach a server that the builder offers, on a server that takes no other one.

use eventmodel::AppOptions;
use eventmodel::Store;
use eventmodel_nats::{KvViews, NatsStore, NatsStoreBuilder};

use super::traps::bench::Bench;
use crate::hotel::server::Hotel;
use support::hotel::{BOOK, CHECK_IN, CLEAN};

mod accounts;
mod domains;
mod tls;

/// All that uses JetStream works through this connection: logs, views, automations, the audit trail.
async fn works(builder: NatsStoreBuilder, server: impl AsRef<str>) {
    let store = builder.views(KvViews::new()).connect(server).await.unwrap();
    histories(&store).await;
    let hotel = Hotel::open_on(store.clone(), AppOptions::new()).await;
    let mut position = 0;
    for (command, body) in [
        ("book-room", BOOK),
        ("cleanup", CLEAN),
        ("checkin", CHECK_IN),
    ] {
        let answer = hotel.put(command, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        position = answer.body["position"].as_u64().unwrap();
    }
    hotel.app.settled().await.unwrap();
    let day = format!("/query/availability/1/2022-12-12?after={position}");
    let day = hotel.get(&day).await;
    assert_eq!(day.body["value"]["status"], "occupied", "{day:?}");
    hotel.close().await;
    store.close().await.unwrap();
}

/// Each way to read is used: by sequences, in pages, by a consumer.
async fn histories(store: &NatsStore) {
    let bench = Bench::open(store.clone()).await;
    let (a, b) = (bench.item("a"), bench.item("b"));
    let both = bench.append("both", &[(&a, 0), (&b, 0)]);
    bench.store.append(both).await.unwrap();
    let mut last = 1;
    for n in 0..70 {
        last = bench.put(&format!("c-{n}"), &a, last).await;
    }
    assert_eq!(bench.load(&b, 0, 0).await.unwrap().events.len(), 1);
    assert_eq!(bench.load(&a, 0, last).await.unwrap().events.len(), 71);
    assert_eq!(bench.events().await.len(), 72);
}
