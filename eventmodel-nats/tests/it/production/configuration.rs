//! docs/nats-server.conf: the server takes it, and a cluster of three that is started with it is a hotel's.

use std::process::Command;
use std::time::Duration;

use crate::builder;
use eventmodel::{EventModel, Slice};
use eventmodel_nats::{ConnectError, KvViews};
use eventmodel_nats_harness::{Cluster, Server, binary};
use hotel_booking::command::{BookRoom, CreateRoom};
use hotel_booking::hotel_booking;
use hotel_booking::model::booking::{Booking, Status};
use hotel_booking::model::{Client, Room};
use hotel_booking::projection::Availability;
use jiff::civil::date;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/nats-server.conf");
const PATIENCE: Duration = Duration::from_secs(60);

/// What is a test's own: names, addresses, directories.
const OWN: [&str; 5] = [
    "server_name:",
    "listen:",
    "http:",
    "lame_duck_grace_period:",
    "lame_duck_duration:",
];

/// The file without what is a test's own, and the lines of its `jetstream` block.
pub(super) fn parts() -> (String, String) {
    let text = std::fs::read_to_string(FILE).unwrap();
    let (mut rest, mut jetstream) = (String::new(), String::new());
    let mut block = "";
    for line in text.lines() {
        let trimmed = line.trim();
        match (block, line) {
            ("", "jetstream {") => block = "jetstream",
            ("", "cluster {") => block = "cluster",
            ("jetstream" | "cluster", "}") => block = "",
            ("jetstream", _) if !trimmed.starts_with("store_dir:") => {
                jetstream.push_str(line);
                jetstream.push('\n');
            }
            ("", _) if !OWN.iter().any(|own| trimmed.starts_with(own)) => {
                rest.push_str(line);
                rest.push('\n');
            }
            _ => {}
        }
    }
    assert!(jetstream.contains("sync_interval: always") && rest.contains("HOTEL"));
    (rest, jetstream)
}

#[test]
fn the_server_finds_nothing_wrong_in_the_configuration() {
    let mut server = Command::new(binary().unwrap());
    let said = server.args(["-t", "-c", FILE]).output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{text}");
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let text = std::fs::read_to_string(format!("{root}/docs/jetstream.md")).unwrap();
    let named = text.split('`').filter(|word| word.contains("tests/it/"));
    let named: Vec<_> = named.collect();
    assert!(named.len() > 20, "{named:?}");
    for path in named {
        assert!(std::path::Path::new(root).join(path).exists(), "{path}");
    }
}

/// What the monitoring port of a server says of itself.
async fn varz(server: &Server) -> serde_json::Value {
    let address = server.monitor_url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /varz HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_the_configuration_is_a_hotels() {
    let (rest, lines) = parts();
    let cluster = Cluster::builder()
        .config(&rest)
        .jetstream(&lines)
        .login("hotel", "change me");
    let cluster = cluster.start().await.unwrap();
    for node in cluster.nodes() {
        let said = varz(node).await;
        assert_eq!(said["jetstream"]["config"]["sync_always"], true, "{said}");
        assert_eq!(said["max_payload"], 1 << 20);
    }
    let nobody = builder().connect(cluster.url()).await;
    assert!(
        matches!(nobody, Err(ConnectError::Unreachable { .. })),
        "{nobody:?}"
    );
    let store = builder()
        .user_and_password("hotel", "change me")
        .replicas(3)
        .views(KvViews::new());
    let store = store.connect(cluster.url()).await.unwrap();
    let app = hotel_booking().start(store).await.unwrap();
    let (room, client, date) = (Room { id: 1 }, Client { id: 1 }, date(2022, 12, 12));
    let _ = app.execute(CreateRoom { room }).await.unwrap();
    let receipt = app.execute(BookRoom { room, client, date }).await.unwrap();
    let view = app.view::<Availability>().after(receipt.position);
    let day = view.within(PATIENCE).get(&Booking { room, date }).await;
    assert_eq!(day.unwrap().unwrap().status, Status::Booked);

    // Who looks, from another account: by any replica.
    let reader = crate::builder()
        .user_and_password("reader", "change me too")
        .api_prefix("hotel.API")
        .without_setup()
        .without_consumers();
    let reader = reader.connect(cluster.url()).await.unwrap();
    let look = EventModel::new("hotel-booking").slice(Slice::new("Look").view::<Availability>());
    let reader = look.start(reader).await.unwrap();
    let view = reader.view::<Availability>().after(receipt.position);
    let day = view.within(PATIENCE).get(&Booking { room, date }).await;
    assert_ne!(day.unwrap().unwrap().status, Status::Free);
    reader.shutdown().await.unwrap();
    app.shutdown().await.unwrap();
}
