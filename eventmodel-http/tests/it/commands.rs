//! `PUT /mutation/<command>`: receipts, rejections, identities, preconditions.

use serde_json::json;

use crate::server::Bank;

#[tokio::test]
async fn a_command_is_answered_with_its_receipt() {
    let bank = Bank::open().await;
    let answer = bank
        .put("open-account", json!({ "account": "ada", "owner": "Ada" }))
        .await
        .expect(201);
    let receipt = answer.json();
    assert_eq!(receipt["log"], "bank");
    assert_eq!(receipt["position"], 1);
    assert_eq!(receipt["revision"], 1);
    assert_eq!(receipt["alreadyCommitted"], false);
    let event = &receipt["events"][0];
    assert_eq!(event["type"], "AccountOpened");
    assert_eq!(event["subject"], "account.ada");
    assert_eq!(event["position"], 1);
    assert_eq!(event["data"], json!({ "account": "ada", "owner": "Ada" }));
    assert_eq!(
        event["id"],
        format!("{}/0", receipt["commandId"].as_str().unwrap())
    );
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("content-type"), "application/json");

    let shown = bank.get(answer.header("location")).await.expect(200);
    let value = json!({ "owner": "Ada", "cents": 0, "open": true });
    assert_eq!(
        shown.json(),
        json!({ "key": ["ada"], "position": 1, "value": value })
    );
}
