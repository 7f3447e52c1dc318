//! Views over two logs of one model: positions of the one say nothing about those of the other.

use std::collections::BTreeMap;
use std::time::Duration;

use eventmodel::view::After;
use eventmodel::{
    App, Command, Decide, Decision, Event, EventModel, Position, Receipt, Slice, Stream, ViewError,
    emit, projection,
};
use eventmodel_nats::KvViews;
use eventmodel_nats::async_nats::jetstream;
use eventmodel_nats_harness::Server;
use serde::{Deserialize, Serialize};

use super::processes::Process;
use super::store;
use crate::builder;

const CLIENTS: u32 = 6;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[stream(log = "orders", subject = "order.{client}")]
struct Orders {
    client: String,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[stream(log = "payments", subject = "payment.{client}")]
struct Payments {
    client: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Orders)]
struct Ordered {
    client: String,
    cents: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(stream = Payments)]
struct Paid {
    client: String,
    cents: u32,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Ordered))]
struct Order {
    client: String,
    cents: u32,
}

impl Decide for Order {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Ordered {
            client: self.client.clone(),
            cents: self.cents,
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(emits(Paid))]
struct Pay {
    client: String,
    cents: u32,
}

impl Decide for Pay {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Paid {
            client: self.client.clone(),
            cents: self.cents,
        })
    }
}

/// Of one log.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Ordering {
    orders: Vec<u32>,
}

#[projection(key = Orders)]
impl Ordering {
    fn ordered(&mut self, event: &Ordered) {
        self.orders.push(event.cents);
    }
}

/// Of the other log.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Paying {
    payments: Vec<u32>,
}

#[projection(key = Payments)]
impl Paying {
    fn paid(&mut self, event: &Paid) {
        self.payments.push(event.cents);
    }
}

/// Of both.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Statement {
    orders: Vec<u32>,
    payments: Vec<u32>,
}

#[projection(key(client: String))]
impl Statement {
    fn ordered(&mut self, event: &Ordered) {
        self.orders.push(event.cents);
    }

    fn paid(&mut self, event: &Paid) {
        self.payments.push(event.cents);
    }
}

fn shop() -> EventModel {
    let ordering = Slice::new("A client orders")
        .command::<Order>()
        .view::<Ordering>();
    let paying = Slice::new("A client pays")
        .command::<Pay>()
        .view::<Paying>();
    EventModel::new("shop")
        .slice(ordering)
        .slice(paying)
        .slice(Slice::new("The shop looks").view::<Statement>())
}

type Expected = BTreeMap<String, Statement>;

/// In one log or in the other, and more often in the one.
async fn trade(app: &App, expected: &mut Expected) -> Receipt {
    let client = format!("c{}", fastrand::u32(..CLIENTS));
    let cents = fastrand::u32(1..100);
    let statement = expected.entry(client.clone()).or_default();
    if fastrand::u32(..4) == 0 {
        statement.payments.push(cents);
        app.execute(Pay { client, cents }).await.unwrap()
    } else {
        statement.orders.push(cents);
        app.execute(Order { client, cents }).await.unwrap()
    }
}

/// All views hold each event of their logs once, in its order.
async fn hold(app: &App, ends: &BTreeMap<&str, Position>, expected: &Expected) {
    let after = |log: &str| After::in_log(log, ends[log]);
    let view = app.view::<Ordering>().after(after("orders"));
    for entry in view.within(PATIENCE).list().await.unwrap() {
        assert_eq!(entry.value.orders, expected[&entry.key.client].orders);
    }
    let view = app.view::<Paying>().after(after("payments"));
    for entry in view.within(PATIENCE).list().await.unwrap() {
        assert_eq!(entry.value.payments, expected[&entry.key.client].payments);
    }
    let view = app.view::<Statement>().within(PATIENCE);
    for log in ends.keys() {
        view.clone().after(after(log)).list().await.unwrap();
    }
    let statements = view.list().await.unwrap().into_iter();
    let statements: Expected = statements.map(|entry| (entry.key, entry.value)).collect();
    assert_eq!(statements, *expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_of_two_logs_hold_each_event_once_whoever_dies() {
    let server = Server::start().await.unwrap();
    let mut expected = Expected::new();
    let mut ends = BTreeMap::new();
    let writer = shop()
        .start(builder().connect(server.url()).await.unwrap())
        .await
        .unwrap();
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(Process::start(&server, 100, shop).await);
    }
    for round in 0..15 {
        for _ in 0..fastrand::u32(5..40) {
            let receipt = trade(&writer, &mut expected).await;
            let log = if *receipt.log == *"orders" {
                "orders"
            } else {
                "payments"
            };
            ends.insert(log, receipt.position);
        }
        let chosen = round % processes.len();
        if fastrand::bool() {
            processes[chosen].proxy.cut();
        } else {
            processes[chosen] = Process::start(&server, 2, shop).await;
        }
    }
    let reader = shop()
        .start(store(&server, KvViews::new()).await)
        .await
        .unwrap();
    hold(&reader, &ends, &expected).await;
    // The position of one log is not taken for that of another.
    let orders = ends["orders"];
    let unclear = reader.view::<Statement>().after(orders).list().await;
    assert!(
        matches!(unclear, Err(ViewError::WhichLog { .. })),
        "{unclear:?}"
    );
    let other = reader.view::<Ordering>();
    let other = other.after(After::in_log("payments", orders)).list().await;
    assert!(
        matches!(other, Err(ViewError::OtherLog { .. })),
        "{other:?}"
    );
    // A checkpoint for each log.
    let client = jetstream::new(
        builder()
            .connect(server.url())
            .await
            .unwrap()
            .client()
            .clone(),
    );
    let bucket = client.get_key_value("shop_Statement_v1").await.unwrap();
    for (log, end) in ends {
        let checkpoint = bucket.get(format!("=checkpoint.{log}")).await.unwrap();
        let checkpoint: serde_json::Value = serde_json::from_slice(&checkpoint.unwrap()).unwrap();
        assert!(
            checkpoint["position"].as_u64().unwrap() >= end.get(),
            "{checkpoint}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_of_two_logs_refuses_when_one_of_them_was_created_again() {
    let server = Server::start().await.unwrap();
    let first = store(&server, KvViews::new()).await;
    let jetstream = jetstream::new(first.client().clone());
    let app = shop().start(first).await.unwrap();
    let (mut expected, mut ends) = (Expected::new(), BTreeMap::new());
    while ends.len() < 2 {
        let receipt = trade(&app, &mut expected).await;
        let log = if *receipt.log == *"orders" {
            "orders"
        } else {
            "payments"
        };
        ends.insert(log, receipt.position);
    }
    hold(&app, &ends, &expected).await;
    app.shutdown().await.unwrap();
    jetstream.delete_stream("payments").await.unwrap();
    let started = shop().start(store(&server, KvViews::new()).await).await;
    let text = started.unwrap_err().to_string();
    assert!(
        text.contains("payments") && text.contains("KvViews::version"),
        "{text}"
    );
}
