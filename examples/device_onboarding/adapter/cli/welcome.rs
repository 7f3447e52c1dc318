//! What the program says when it has started: all that can be done with it, ready to be pasted.

/// The text for a server at this address.
pub(super) fn text(url: &str) -> String {
    let json = "--header 'Content-Type: application/json'";
    let put = |command: &str, data: &str| {
        format!(
            "curl --request PUT --url {url}/mutation/{command} {json} --data '{{\"data\": {data}}}'"
        )
    };
    let validate = put("validate-device", r#"{"deviceId": "sensor-1"}"#);
    let connect = put("connect-device", r#"{"deviceId": "sensor-1"}"#);
    let decommission = put(
        "decommission-device",
        r#"{"deviceId": "sensor-1", "reason": "replaced"}"#,
    );
    format!(
        "\
The fleet is open at {url}. It is in memory, and ends with the program.

A device joins, and leaves again. In another terminal, in this order:

curl --url {url}/devices {json} --data '{{\"deviceId\": \"sensor-1\", \"firmware\": \"2.1.0\"}}'

{validate}

curl {url}/devices/sensor-1   # the bot has provisioned it: it has a hub

{connect}

{decommission}

Each command answers 201. Register again: the first receipt comes back. Send another one again, or in another
order, and 409 says which rule it breaks. With \"firmware\": \"1.0.0\" the device is registered, and not let in.

Look at the fleet:

curl {url}/fleet
curl {url}/query/device-registry
curl --no-buffer --header 'Accept: text/event-stream' {url}/query/fleet-overview   # live

Many devices at once: a file of them, and run it twice. Nothing happens twice.

cargo run --example device_onboarding generate --devices 1000 --wrong 7 --output devices.csv
cargo run --example device_onboarding onboard devices.csv --url {url}

The record, for the back office: how each command ended, and what has happened:

curl {url}/admin/audit
curl {url}/admin/events

All commands and views, with their fields: curl {url}/
The story by itself: cargo run --example device_onboarding -- --demo
Ctrl-C stops it.
"
    )
}
