//! Each way to reach a server that the builder offers, on a server that takes no other one.

use eventmodel::Store;
use eventmodel_nats::{KvViews, NatsStore, NatsStoreBuilder};
use hotel_booking::command::{BookRoom, CheckIn, CleanRoom};
use hotel_booking::model::booking::{Booking, Status};
use hotel_booking::model::{Client, Room};
use hotel_booking::projection::Availability;
use hotel_booking::{ROOMS, create_rooms, hotel_booking};
use jiff::civil::date;

use super::traps::bench::Bench;

mod accounts;
mod domains;
mod tls;

/// All that uses JetStream works through this connection: logs, views, automations, the audit trail.
async fn works(builder: NatsStoreBuilder, server: impl AsRef<str>) {
    let store = builder.views(KvViews::new()).connect(server).await.unwrap();
    histories(&store).await;
    let app = hotel_booking().start(store.clone()).await.unwrap();
    create_rooms(&app, ROOMS).await.unwrap();
    let (room, client, team) = (Room { id: 1 }, Client { id: 1 }, None);
    let (date, tomorrow) = (date(2022, 12, 12), date(2022, 12, 13));
    let _ = app.execute(BookRoom { room, client, date }).await.unwrap();
    let _ = app.execute(CleanRoom { room, date, team }).await.unwrap();
    let check_in = CheckIn {
        room,
        client,
        date: tomorrow,
    };
    let checked_in = app.execute(check_in).await.unwrap();
    app.settled().await.unwrap();
    let day = app.view::<Availability>().after(&checked_in);
    let day = day.get(&Booking { room, date }).await.unwrap();
    assert_eq!(day.unwrap().status, Status::Occupied);
    app.shutdown().await.unwrap();
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
    assert_eq!(bench.load(&b, 0, 0).await.unwrap().items.len(), 1);
    assert_eq!(bench.load(&a, 0, last).await.unwrap().items.len(), 71);
    assert_eq!(bench.events().await.len(), 72);
}
