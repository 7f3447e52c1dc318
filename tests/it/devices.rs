//! The fleet over HTTP, as devices and people reach it.

use device_onboarding::adapter::http::router;
use device_onboarding::device_onboarding;
use device_onboarding::model::device::Status;
use device_onboarding::projection::{DeviceRegistry, FleetOverview};
use eventmodel::{App, MemoryStore};
use serde_json::{Value, json};
use support::served::Served;

mod bulk;
mod files;
mod program;

async fn app() -> App {
    device_onboarding().start(MemoryStore::new()).await.unwrap()
}

async fn open() -> Served {
    let app = app().await;
    Served::open(app.clone(), router(app)).await
}

/// The fleet, and what the registry of devices adds up to, which must be the same.
async fn fleet(app: &App) -> FleetOverview {
    app.settled().await.unwrap();
    let fleet = app.view::<FleetOverview>().get(&()).await.unwrap();
    let mut counted = FleetOverview::default();
    for device in app.view::<DeviceRegistry>().list().await.unwrap() {
        counted.total += 1;
        *match device.value.status.unwrap() {
            Status::Registered => &mut counted.registered,
            Status::Refused => &mut counted.refused,
            Status::Validated => &mut counted.validated,
            Status::Provisioned => &mut counted.provisioned,
            Status::Connected => &mut counted.connected,
            Status::Disconnected => &mut counted.disconnected,
            Status::Decommissioned => &mut counted.decommissioned,
        } += 1;
    }
    let fleet = fleet.unwrap_or_default();
    assert_eq!(fleet, counted);
    fleet
}

fn data(data: &Value) -> String {
    json!({ "data": data }).to_string()
}

#[tokio::test]
async fn a_device_that_registers_again_gets_the_first_receipt() {
    let served = open().await;
    let first = served
        .post("/devices", r#"{"deviceId": "sensor-1"}"#, "")
        .await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.body["events"][0]["type"], "DeviceRegistered");
    assert_eq!(first.body["events"][0]["subject"], "device.sensor-1");
    assert_eq!(first.body["alreadyCommitted"], false);

    let again = served
        .post("/devices", r#"{"deviceId": "sensor-1"}"#, "")
        .await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.body["alreadyCommitted"], true);
    assert_eq!(again.body["events"], first.body["events"]);

    // Through the other door it is the same command.
    let same = served
        .put("register-device", &data(&json!({"deviceId": "sensor-1"})))
        .await;
    assert_eq!(same.body["events"], first.body["events"]);

    let other = json!({"deviceId": "sensor-1", "firmware": "2.0.0"}).to_string();
    let other_data = served.post("/devices", &other, "").await;
    assert_eq!(
        (other_data.status, &other_data.body["code"]),
        (422, &json!("id-reused"))
    );
    let other_id = served
        .post("/devices", &other, "Idempotency-Key: \"other\"\r\n")
        .await;
    assert_eq!(other_id.status, 409);
    assert_eq!(
        other_id.body["type"],
        "/problems/register-device/already-registered"
    );
    served.close().await;
}

#[tokio::test]
async fn a_device_goes_the_way_of_the_board() {
    let served = open().await;
    let sensor = json!({"deviceId": "sensor-1"});
    let registered = json!({"deviceId": "sensor-1", "firmware": "2.1.0", "serial": "SN-0001"});
    assert_eq!(
        served
            .post("/devices", &registered.to_string(), "")
            .await
            .status,
        201
    );

    let early = served.put("connect-device", &data(&sensor)).await;
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(
        early.body["type"],
        "/problems/connect-device/not-provisioned"
    );

    let validated = served.put("validate-device", &data(&sensor)).await;
    assert_eq!(validated.status, 201, "{validated:?}");
    served.app.settled().await.unwrap();
    let device = served.get("/devices/sensor-1").await;
    assert_eq!(device.status, 200);
    assert_eq!(device.body["status"], "provisioned");
    assert_eq!(device.body["serial"], "SN-0001");
    assert!(
        device.body["hub"].as_str().unwrap().starts_with("hub-"),
        "{device:?}"
    );

    for (command, body, status) in [
        ("connect-device", &sensor, "connected"),
        ("disconnect-device", &sensor, "disconnected"),
        ("connect-device", &sensor, "connected"),
        (
            "decommission-device",
            &json!({"deviceId": "sensor-1", "reason": "lost"}),
            "decommissioned",
        ),
    ] {
        let answer = served.put(command, &data(body)).await;
        assert_eq!(answer.status, 201, "{command}: {answer:?}");
        // Whoever has changed something sees it, without waiting.
        let device = served.get("/devices/sensor-1").await;
        assert_eq!(device.body["status"], status, "{command}");
        assert_eq!(served.get("/fleet").await.body[status], 1, "{command}");
    }
    let gone = served.put("connect-device", &data(&sensor)).await;
    assert_eq!(gone.body["type"], "/problems/connect-device/decommissioned");
    assert_eq!(fleet(&served.app).await.decommissioned, 1);
    served.close().await;
}

#[tokio::test]
async fn the_bot_alone_provisions() {
    let served = open().await;
    let body = data(&json!({"deviceId": "sensor-1", "hub": "hub-1"}));
    let answer = served.put("provision-device", &body).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert_eq!(answer.body["code"], "unknown-command");
    served.close().await;
}

#[tokio::test]
async fn hostile_devices_are_answered_and_leave_nothing_behind() {
    let served = open().await;
    let long = "x".repeat(10_000);
    let hostile = [
        "*", ">", "a.b", "a b", "", "\0", "\n", "🌡", "é", "../fleet", "%2e", "$JS.API", "-", &long,
    ];
    for id in hostile {
        let body = json!({"deviceId": id, "firmware": "?", "mac": "?"});
        let answer = served.post("/devices", &body.to_string(), "").await;
        assert_eq!(answer.status, 422, "{id:?}: {answer:?}");
        let pointers: Vec<&str> = answer.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        // All at once, and under the names that the sender has written.
        for pointer in ["/deviceId", "/firmware", "/mac"] {
            assert!(pointers.contains(&pointer), "{id:?}: {pointers:?}");
        }
        for command in ["validate-device", "connect-device", "disconnect-device"] {
            let answer = served.put(command, &data(&json!({"deviceId": id}))).await;
            assert_eq!(answer.status, 422, "{command} {id:?}: {answer:?}");
            assert_eq!(answer.body["errors"][0]["pointer"], "/data/deviceId");
        }
    }
    let registered = served.app.settled().await;
    registered.unwrap();
    assert_eq!(fleet(&served.app).await, FleetOverview::default());
    let events = served.get("/admin/events?log=devices").await;
    assert_eq!(events.body["items"], json!([]), "{events:?}");
    served.close().await;
}

#[tokio::test]
async fn nonsense_is_answered_with_a_problem() {
    let served = open().await;
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("null", 422),
        ("{}", 422),
        (r#"{"deviceId": 17}"#, 422),
        (r#"{"deviceId": null}"#, 422),
        (r#"{"deviceId": ["sensor-1"]}"#, 422),
        (r#"{"deviceid": "sensor-1"}"#, 422),
        (
            r#"{"deviceId": "sensor-1", "firmwareVersion": "2.0.0"}"#,
            422,
        ),
    ] {
        let answer = served.post("/devices", body, "").await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    for (path, status) in [
        ("/devices", 405),
        ("/devices/sensor-1", 404),
        ("/devices/%F0%9F%8C%A1", 404),
        ("/devices/a%2Fb", 404),
        ("/devices/%FF", 400),
        ("/devices/*", 404),
        ("/nowhere", 404),
    ] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let unknown = served.get("/devices/sensor-1").await;
    assert_eq!(unknown.body["code"], "no-such-instance");
    // A type of problem leads to a page that explains it.
    let page = unknown.body["type"].as_str().unwrap();
    assert_eq!(served.get(page).await.status, 200);
    assert_eq!(served.get("/fleet").await.body["total"], 0);
    served.close().await;
}
